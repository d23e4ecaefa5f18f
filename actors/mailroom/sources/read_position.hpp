// The parts of a position that inputs on files have in common.
#pragma once

#include <mailroom/file_handle.hpp>
#include <mailroom/sources/input.hpp>

namespace mailroom {

// {"offset", "line", "records", "before": the checksum of the bytes that end there}
nlohmann::json place_to_json(const Input::Place& place);

struct SavedPlace {
  std::uint64_t offset = 0, line = 1, records = 0;
  std::uint32_t before = 0;
};
// Throws CorruptData naming `path` if it is no such position.
SavedPlace place_from_json(const nlohmann::json& position, const std::string& path);

// The place in this file, with the bytes before it. nullopt if the file is not the one that was read that far.
std::optional<Input::Place> find_place(const FileHandle& file, const std::string& path, const SavedPlace& saved);

}  // namespace mailroom
