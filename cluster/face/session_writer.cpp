#include "cluster/face/session_writer.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom::cluster {

namespace {

constexpr std::uint32_t index_mark = 0xFFFFFFFF;
constexpr std::string_view magic = "MAILROOM-SESSION-1\n";

template <class T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
}

}  // namespace

void SessionWriter::check(const std::filesystem::path& file, bool over) {
  // A pipe or a device loses nothing by it.
  if (!std::filesystem::is_regular_file(file)) return;
  std::ifstream in(file, std::ios::binary);
  std::string head(magic.size(), '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (!in || head != magic)
    throw BadValue(fmt::format("{} is there already and is no session, so it is not written over: give the name of a new file", file.string()));
  if (!over) throw BadValue(fmt::format("{} is there already, a session: --force writes over it; or give the name of a new file", file.string()));
}

SessionWriter::SessionWriter(const std::filesystem::path& file, bool over) : file_(file) {
  check(file, over);
  out_.open(file, std::ios::binary | std::ios::trunc);
  if (!out_) throw StorageError(fmt::format("{}: can't be written: {}", file.string(), std::strerror(errno)));
  write(magic);
}

void SessionWriter::write(std::string_view bytes) {
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out_) throw StorageError(fmt::format("{}: can't be written: {}", file_.string(), std::strerror(errno)));
  offset_ += bytes.size();
}

void SessionWriter::record(std::string_view frame, std::int64_t at_us) {
  std::string head;
  append_little_endian(head, static_cast<std::uint32_t>(frame.size()));
  append_little_endian(head, at_us);
  write(head);
  write(frame);
}

void SessionWriter::add(std::string_view frame, std::int64_t at_us) {
  const auto json = nlohmann::json::from_cbor(frame.begin(), frame.end(), true, false);
  const auto type = json.is_object() ? json.find("type") : json.end();
  if (!json.is_object() || type == json.end() || !type->is_string())
    throw BadValue("the node sent something that is no frame");
  if (*type != "gauges") return record(frame, at_us);
  rows_.apply(json);
  if (at_us < next_full_us_ && !json["full"].get<bool>()) return record(frame, at_us);
  next_full_us_ = at_us + 1'000'000;
  index_.emplace_back(at_us, offset_);
  std::string full;
  nlohmann::json::to_cbor(rows_.full(), full);
  record(full, at_us);
}

void SessionWriter::close() {
  const auto begins = offset_;
  std::string bytes;
  append_little_endian(bytes, index_mark);
  append_little_endian(bytes, static_cast<std::uint32_t>(index_.size()));
  for (const auto& [at_us, offset] : index_) {
    append_little_endian(bytes, at_us);
    append_little_endian(bytes, offset);
  }
  append_little_endian(bytes, begins);
  write(bytes);
  out_.close();
  if (!out_) throw StorageError(fmt::format("{}: can't be written: {}", file_.string(), std::strerror(errno)));
}

}  // namespace mailroom::cluster
