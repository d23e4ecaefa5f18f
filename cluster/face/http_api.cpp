#include "cluster/face/http_api.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <mailroom/errors.hpp>

#include "cluster/face/metrics_text.hpp"
#include "cluster/face/openapi.hpp"
#include "runtime/telemetry/snapshot_json.hpp"

namespace mailroom::cluster {

using namespace mailroom::runtime;
using nlohmann::json;

namespace {

ApiResponse answer(unsigned status, const json& body) {
  ApiResponse response;
  response.status = status;
  response.body = std::make_shared<const std::string>(body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  return response;
}

ApiResponse plain(unsigned status, std::string text, const char* type = "text/plain; charset=utf-8") {
  ApiResponse response;
  response.status = status;
  response.content_type = type;
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

// "%2F" -> "/"; nullopt: a % without two digits.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned value = 0;
      if (i + 2 >= text.size()) return std::nullopt;
      const auto* first = text.data() + i + 1;
      const auto [end, error] = std::from_chars(first, first + 2, value, 16);
      if (error != std::errc() || end != first + 2) return std::nullopt;
      out += static_cast<char>(value);
      i += 2;
    }
  }
  return out;
}

unsigned status_of(AskOutcome outcome) {
  switch (outcome) {
    case AskOutcome::answered: return 200;
    case AskOutcome::unknown_stage:
    case AskOutcome::key_unknown: return 404;
    case AskOutcome::keeps_no_state:
    case AskOutcome::unknown_question:
    case AskOutcome::bad_question: return 400;
    case AskOutcome::refused: return 422;
    case AskOutcome::no_answer: return 504;
    case AskOutcome::ending: return 503;
  }
  return 500;
}

ApiResponse answer(const ControlResult& result) {
  switch (result.outcome) {
    case ControlOutcome::done: return answer(202, {{"done", result.text}});
    case ControlOutcome::unknown: return api_error(404, "unknown", result.text);
    case ControlOutcome::refused: return api_error(409, "refused", result.text);
    case ControlOutcome::ending: return api_error(503, "ending", result.text);
  }
  return api_error(500, "internal", "unknown outcome");
}

// Reads the members of a request's body; what is wrong is a BadValue.
class Body {
 public:
  explicit Body(const std::string& text) {
    if (text.empty()) return;
    json_ = json::parse(text, nullptr, false);
    if (!json_.is_object()) throw BadValue("the body is no JSON object");
  }
  std::optional<std::string> text(const char* name) {
    const auto* member = find(name);
    if (member == nullptr) return std::nullopt;
    if (!member->is_string()) throw BadValue(fmt::format("\"{}\" is {}; expected a text", name, member->type_name()));
    return member->get<std::string>();
  }
  bool flag(const char* name) {
    const auto* member = find(name);
    if (member == nullptr) return false;
    if (!member->is_boolean()) throw BadValue(fmt::format("\"{}\" is {}; expected true or false", name, member->type_name()));
    return member->get<bool>();
  }
  std::vector<std::string> texts(const char* name) {
    const auto* member = find(name);
    std::vector<std::string> all;
    if (member == nullptr) return all;
    if (!member->is_array()) throw BadValue(fmt::format("\"{}\" is {}; expected a list of texts", name, member->type_name()));
    for (const auto& item : *member) {
      if (!item.is_string()) throw BadValue(fmt::format("\"{}\" holds {}; expected texts", name, item.type_name()));
      all.push_back(item.get<std::string>());
    }
    return all;
  }
  [[nodiscard]] bool has(const char* name) const { return json_.contains(name) && !json_[name].is_null(); }
  json object(const char* name) {
    const auto* member = find(name);
    return member == nullptr ? json::object() : *member;
  }
  void refuse_unknown() const {
    for (const auto& [name, value] : json_.items())
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        throw BadValue(fmt::format("\"{}\" is not known here; expected {}", name, fmt::join(known_, ", ")));
  }

 private:
  const json* find(const char* name) {
    known_.emplace_back(name);
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  json json_ = json::object();
  std::vector<std::string> known_;
};

}  // namespace

ApiResponse api_error(unsigned status, std::string_view code, std::string_view message) {
  return answer(status, {{"error", {{"code", code}, {"message", message}}}});
}

struct HttpApi::Parts {
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;
  const ApiRequest& request;
};

HttpApi::HttpApi(Engine& engine, std::string program, RunElsewhere elsewhere)
    : engine_(engine), program_(std::move(program)), elsewhere_(std::move(elsewhere)) {}

void HttpApi::handle(const ApiRequest& request, Reply reply) {
  Parts parts{{}, {}, request};
  const std::string_view target = request.target;
  const auto question = target.find('?');
  auto path = target.substr(0, question);
  bool readable = !path.empty() && path.front() == '/';
  while (readable && path.size() > 1) {
    path.remove_prefix(1);
    const auto slash = path.find('/');
    auto part = percent_decoded(path.substr(0, slash), false);
    readable = part.has_value();
    if (part) parts.path.push_back(std::move(*part));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  auto query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (readable && !query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    const auto name = percent_decoded(pair.substr(0, equals), true);
    const auto value = equals == std::string_view::npos ? std::optional<std::string>("") : percent_decoded(pair.substr(equals + 1), true);
    readable = name && value;
    if (readable) parts.query.emplace_back(*name, *value);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  if (!readable) return reply(api_error(400, "bad_target", "the address is not written as one: check its % signs"));

  const auto& p = parts.path;
  const bool get = request.method == "GET" || request.method == "HEAD", post = request.method == "POST";
  const auto is = [&](std::initializer_list<const char*> names) {
    // nullptr stands for any one part
    return p.size() == names.size() && std::equal(p.begin(), p.end(), names.begin(), [](const std::string& part, const char* name) {
             return name == nullptr || part == name;
           });
  };
  const auto only = [&](const char* methods) {
    auto refusal = api_error(405, "method", fmt::format("{} is not possible here; {} is", request.method, methods));
    refusal.allow = methods;
    reply(std::move(refusal));
  };
  const auto operators_only = [&] {
    if (request.role == Role::op) return false;
    reply(api_error(403, "viewer", "this takes the role operator; you are a viewer"));
    return true;
  };
  // Who chooses in the address what is to be changed must not have everything changed.
  const auto no_query = [&](const char* expected) {
    if (!parts.query.empty())
      throw BadValue(fmt::format("?{}= is not read here; expected {}, and nothing in the address", parts.query.front().first, expected));
  };
  try {
    if (p.empty()) {
      if (!get) return only("GET");
      return reply(plain(200, fmt::format("{}, topology {}\n\n/healthz /readyz /metrics /openapi.json /api/v1/snapshot\n"
                                          "/telemetry is a WebSocket: mailroom-dashboard and `mailroom top` read it\n",
                                          program_, engine_.plan().topology.name)));
    }
    if (is({"healthz"})) return get ? reply(plain(200, "ok\n")) : only("GET");
    if (is({"readyz"})) {
      if (!get) return only("GET");
      return reply(ready && !engine_.wait_for(std::chrono::milliseconds(0)) ? plain(200, "ready\n") : plain(503, "the node is ending\n"));
    }
    if (is({"metrics"})) return get ? reply(metrics()) : only("GET");
    if (is({"openapi.json"})) return get ? reply(plain(200, std::string(openapi_text), "application/json")) : only("GET");
    if (is({"api", "v1", "snapshot"})) return get ? reply(snapshot()) : only("GET");
    if (is({"api", "v1", "stages", nullptr, "state"})) return get || post ? ask(parts, reply) : only("GET, POST");
    if (is({"api", "v1", "dead-letters"})) return get ? list_dead_letters(parts, reply) : only("GET");
    if (is({"api", "v1", "dead-letters", "retry"}) || is({"api", "v1", "dead-letters", "discard"})) {
      if (!post) return only("POST");
      if (operators_only()) return;
      no_query("what to choose as members of the body, such as {\"key\": \"alice\"}");
      return change_dead_letters(parts, p[3] == "discard", reply);
    }
    if (is({"api", "v1", "stages", nullptr, "pause"}) || is({"api", "v1", "stages", nullptr, "resume"})) {
      if (!post) return only("POST");
      if (operators_only()) return;
      no_query("no more than the stage's path");
      return reply(answer(p[4] == "pause" ? engine_.pause(p[3]) : engine_.resume(p[3])));
    }
    if (is({"api", "v1", "stages", nullptr, "shards", nullptr, "restart"})) {
      if (!post) return only("POST");
      if (operators_only()) return;
      no_query("no more than the shard's path");
      std::uint32_t shard = 0;
      const auto [end, error] = std::from_chars(p[5].data(), p[5].data() + p[5].size(), shard);
      if (error != std::errc() || end != p[5].data() + p[5].size())
        return reply(api_error(400, "bad_value", fmt::format("\"{}\" is no shard's number", p[5])));
      return reply(answer(engine_.restart_shard(p[3], shard)));
    }
    reply(api_error(404, "unknown", fmt::format("there is nothing at {}; see /openapi.json", target.substr(0, 200))));
  } catch (const BadValue& error) {
    reply(api_error(400, "bad_value", error.what()));
  } catch (const std::exception& error) {
    reply(api_error(500, "internal", error.what()));
  }
}

const TelemetrySnapshot& HttpApi::latest() {
  auto latest = engine_.latest_snapshot();
  if (latest != made_for_) {
    made_for_ = std::move(latest);
    metrics_body_.reset();
    snapshot_body_.reset();
  }
  return *made_for_;
}

ApiResponse HttpApi::metrics() {
  const auto& snapshot = latest();
  if (!metrics_body_)
    metrics_body_ = std::make_shared<const std::string>(metrics_text(
        snapshot, {program_, ready && !engine_.wait_for(std::chrono::milliseconds(0)), clients,
                   engine_.journal() == nullptr ? std::nullopt : std::optional(engine_.journal()->store().disk_bytes())}));
  ApiResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_body_;
  return response;
}

ApiResponse HttpApi::snapshot() {
  const auto& snapshot = latest();
  if (!snapshot_body_)
    snapshot_body_ = std::make_shared<const std::string>(to_json(snapshot).dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  ApiResponse response;
  response.body = snapshot_body_;
  return response;
}

void HttpApi::ask(const Parts& parts, const Reply& reply) {
  StateQuestion question;
  question.stage = parts.path[3];
  bool keyed = false;
  if (parts.request.method == "POST") {
    if (!parts.query.empty())
      throw BadValue(fmt::format("?{}= is not read here; expected the question as members of the body: key, question, fields", parts.query.front().first));
    Body body(parts.request.body);
    keyed = body.has("key");
    question.key = body.text("key").value_or("");
    question.type = body.text("question").value_or("");
    question.content = body.object("fields");
    body.refuse_unknown();
  } else {
    for (const auto& [name, value] : parts.query) {
      if (name != "key") throw BadValue(fmt::format("\"{}\" is not known here; expected key", name));
      if (std::exchange(keyed, true)) throw BadValue("key is given twice");
      question.key = value;
    }
  }
  const auto& topology = engine_.plan().topology;
  if (const auto stage = topology.stage_index(question.stage); stage && !keyed && topology.stages[*stage].kind == StageKind::actor &&
                                                               topology.stages[*stage].ordering == Ordering::key && topology.stages[*stage].actor->stateful)
    throw BadValue(fmt::format("key is missing: stage '{}' keeps a state for each", question.stage));
  engine_.ask(question, [reply, stage = question.stage, key = question.key](StateAnswer made) {
    if (made.ok())
      reply(answer(200, {{"stage", stage}, {"key", key}, {"reply", std::move(made.reply)}}));
    else
      reply(api_error(status_of(made.outcome), to_string(made.outcome), made.text));
  });
}

void HttpApi::list_dead_letters(const Parts& parts, const Reply& reply) {
  DeadLetterFilter filter;
  std::size_t limit = 100;
  std::set<std::string> given;
  for (const auto& [name, value] : parts.query) {
    if (!given.insert(name).second && name != "id") throw BadValue(fmt::format("{} is given twice", name));
    if (name == "parked") {
      if (value != "true" && value != "false" && value != "1" && value != "0") throw BadValue(fmt::format("parked \"{}\": expected true or false", value));
      filter.parked = value == "true" || value == "1";
    } else if (name == "stage") filter.stage = value;
    else if (name == "key") filter.key = value;
    else if (name == "kind") filter.kind = value;
    else if (name == "id") filter.ids.push_back(value);
    else if (name == "after") filter.after = value;
    else if (name == "limit") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
      if (error != std::errc() || end != value.data() + value.size() || limit == 0 || limit > most_listed)
        throw BadValue(fmt::format("limit \"{}\": expected a number from 1 to {}", value, most_listed));
    } else {
      throw BadValue(fmt::format("\"{}\" is not known here; expected parked, stage, key, kind, id, after, limit", name));
    }
  }
  check_dead_letter_filter(filter);
  const bool taken = elsewhere_([&engine = engine_, filter, limit, reply] {
    try {
      const auto letters = engine.list_dead_letters(filter, limit + 1);
      auto list = json::array();
      for (std::size_t i = 0; i < std::min(limit, letters.size()); ++i) list.push_back(to_json(letters[i]));
      reply(answer(200, {{"letters", std::move(list)}, {"more", letters.size() > limit}, {"forgotten", engine.forgotten_dead_letters()}}));
    } catch (const BadValue& error) {
      reply(api_error(400, "bad_value", error.what()));
    } catch (const std::exception& error) {
      reply(api_error(500, "journal", error.what()));
    }
  });
  if (!taken) reply(api_error(503, "busy", "too many lists are being read; try again"));
}

void HttpApi::change_dead_letters(const Parts& parts, bool discard, const Reply& reply) {
  Body body(parts.request.body);
  DeadLetterFilter filter;
  filter.parked = body.flag("parked");
  filter.ids = body.texts("ids");
  filter.stage = body.text("stage");
  filter.key = body.text("key");
  filter.kind = body.text("kind");
  const bool all = body.flag("all");
  body.refuse_unknown();
  if (all)
    for (const auto* one : {"ids", "stage", "key", "kind"})
      if (body.has(one)) throw BadValue(fmt::format("\"all\" and \"{}\" exclude each other; expected one of them: all of them, or those that are named", one));
  if (!all && filter.ids.empty() && !filter.stage && !filter.key && !filter.kind)
    throw BadValue("which ones? Name \"ids\", or \"stage\", \"key\", \"kind\", or say \"all\": true");
  engine_.change_dead_letters(filter, discard, [reply, discard](DeadLetterOutcome outcome) {
    reply(answer(outcome.changed == 0 && !outcome.refused.empty() ? 409 : 200,
                 {{discard ? "discarded" : "retried", outcome.changed}, {"refused", outcome.refused}}));
  });
}

}  // namespace mailroom::cluster
