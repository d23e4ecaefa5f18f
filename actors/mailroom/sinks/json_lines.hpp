// Events as lines of JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <mailroom/sink.hpp>

namespace mailroom {

// Fields in the order in which they were declared. Text that is no UTF-8 is written with U+FFFD in place of the bad bytes.
class JsonLines {
 public:
  // `type`: a member "type" with the event type's name comes first. `meta`: a member "meta" with the event's time and
  // trace comes last. Throws BadValue if an event has a field of such a name.
  JsonLines(const std::vector<const EventType*>& events, bool type, bool meta);

  // Appends the event and a line end.
  void append(const SinkEvent& event, std::string& out) const;

 private:
  bool type_, meta_;
};

}  // namespace mailroom
