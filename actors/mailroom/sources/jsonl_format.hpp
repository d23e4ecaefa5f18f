// One JSON object a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <mailroom/sources/record_format.hpp>

namespace mailroom {

// Members that are no field of the event are passed over, and so are blank lines.
class JsonlFormat final : public RecordFormat {
 public:
  // With a `type_field`, the member of that name says which of `events` a line is; else every line is events[0].
  JsonlFormat(std::vector<const EventType*> events, std::string type_field);

  Taken take(LineReader& lines, EventBatch& events, std::string& reason) override;

 private:
  [[nodiscard]] const EventType& type_of(const nlohmann::json& value) const;

  std::vector<const EventType*> events_;
  std::string type_field_;
};

}  // namespace mailroom
