// The bytes of one key's state: schema id u32, version u16, length u32, CRC32C u32, archive.
#pragma once

#include <string>
#include <string_view>

#include <mailroom/archive.hpp>
#include <mailroom/batch_codec.hpp>

namespace mailroom::detail {

// Fills in the header in front of an archive that begins at `begin` + state_header.
void seal_state(std::string& bytes, std::size_t begin, std::uint32_t schema, std::uint16_t version);
inline constexpr std::size_t state_header = 14;
struct StateBytes {
  std::string_view archive;
  std::uint16_t version;  // of the program that wrote it
};
// Throws CorruptData (checksum, length, another type, a newer version).
StateBytes open_state(std::string_view bytes, std::string_view state_name, std::uint32_t schema, std::uint16_t version);

template <class State>
void save_state(const State& state, std::string& out) {
  const auto begin = out.size();
  out.append(state_header, '\0');
  save_archive(&state, 1, out);
  static const auto schema = crc32c(name_of<State>());
  seal_state(out, begin, schema, static_cast<std::uint16_t>(version_of<State>()));
}
template <class State>
State load_state(std::string_view bytes) {
  State state{};
  const auto [archive, version] =
      open_state(bytes, name_of<State>(), crc32c(name_of<State>()), static_cast<std::uint16_t>(version_of<State>()));
  load_archive<State>(archive, 1, version, [&](State loaded) { state = std::move(loaded); });
  return state;
}

}  // namespace mailroom::detail
