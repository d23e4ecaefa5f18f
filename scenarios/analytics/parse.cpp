// A line becomes a request, or a dead letter that says what is wrong with it.
#include <mailroom/key_hash.hpp>

#include "scenarios/analytics/access_line.hpp"
#include "scenarios/analytics/events.hpp"

namespace analytics {

struct ParseOptions {
  std::uint32_t parts = 8;  // over which visitors are spread
};
MAILROOM_OPTIONS(ParseOptions, parts)

class Parse : public mailroom::Actor<> {
 public:
  using Options = ParseOptions;
  using Emits = mailroom::Events<Request>;
  explicit Parse(const ParseOptions& options) : parts_(std::max(1u, options.parts)) {}

  void on(const LogLine& line, mailroom::Context& context) {
    try {
      const auto found = read_access_line(line.text);
      context.emit(Request{line.time, line.client, static_cast<std::uint32_t>(mailroom::hash_key(line.client) % parts_),
                           std::string(found.path), found.status, found.bytes, mailroom::hash_key(line.text)});
    } catch (const mailroom::BadValue& error) {
      throw mailroom::Rejected(error.what());
    }
  }

 private:
  const std::uint32_t parts_;
};
MAILROOM_ACTOR(Parse, LogLine)

}  // namespace analytics
