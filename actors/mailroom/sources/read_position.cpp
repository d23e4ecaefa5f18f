#include <mailroom/sources/read_position.hpp>

#include <algorithm>

#include <mailroom/batch_codec.hpp>
#include <mailroom/saved_position.hpp>
#include <mailroom/sources/line_reader.hpp>

namespace mailroom {

nlohmann::json place_to_json(const Input::Place& place) {
  return {{"offset", place.offset}, {"line", place.line}, {"records", place.records}, {"before", crc32c(place.before)}};
}

SavedPlace place_from_json(const nlohmann::json& position, const std::string& path) {
  return {saved_number(position, "offset", path), saved_number(position, "line", path), saved_number(position, "records", path),
          static_cast<std::uint32_t>(saved_number(position, "before", path))};
}

std::optional<Input::Place> find_place(const FileHandle& file, const std::string& path, const SavedPlace& saved) {
  const auto length = std::min<std::uint64_t>(saved.offset, LineReader::kept_before);
  auto before = read_at(file, path, saved.offset - length, length);
  if (before.size() != length || crc32c(before) != saved.before) return std::nullopt;
  return Input::Place{saved.offset, saved.line, std::move(before), saved.records};
}

}  // namespace mailroom
