// What the node answers over HTTP, without the network: a request's method, path and body in, a response out.
// Documented in docs/openapi.json, which is served at /openapi.json.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/face/access.hpp"
#include "runtime/engine/engine.hpp"

namespace mailroom::cluster {

struct ApiRequest {
  std::string method;  // "GET"
  std::string target;  // as in the request line, with its query
  std::string body;
  Role role = Role::viewer;
};

struct ApiResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::shared_ptr<const std::string> body;
  std::string allow;  // with 405
};

// {"error": {"code": ..., "message": ...}}
ApiResponse api_error(unsigned status, std::string_view code, std::string_view message);

// One thread, but for `reply`, which may be called from any and must return at once.
class HttpApi {
 public:
  static constexpr std::size_t most_listed = 1000;  // dead letters of one answer
  // `elsewhere` runs what may block (it reads the journal) on another thread; false: too much is waiting there already.
  using RunElsewhere = std::function<bool(std::function<void()>)>;

  HttpApi(runtime::Engine& engine, std::string program, RunElsewhere elsewhere);

  // `reply` is called once; where a shard has to answer, when it does.
  void handle(const ApiRequest& request, std::function<void(ApiResponse)> reply);
  // For /metrics and /readyz.
  std::size_t clients = 0;
  bool ready = true;

 private:
  using Reply = std::function<void(ApiResponse)>;
  struct Parts;
  void ask(const Parts& parts, const Reply& reply);
  void list_dead_letters(const Parts& parts, const Reply& reply);
  void change_dead_letters(const Parts& parts, bool discard, const Reply& reply);
  ApiResponse metrics();
  ApiResponse snapshot();
  const runtime::TelemetrySnapshot& latest();  // lets go of bodies that are older

  runtime::Engine& engine_;
  const std::string program_;
  RunElsewhere elsewhere_;
  // The latest snapshot, and the bodies made for it: asking often costs no more than asking once.
  std::shared_ptr<const runtime::TelemetrySnapshot> made_for_;
  std::shared_ptr<const std::string> metrics_body_, snapshot_body_;
};

}  // namespace mailroom::cluster
