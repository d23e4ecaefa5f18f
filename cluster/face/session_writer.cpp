#include "cluster/face/session_writer.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom::cluster {

namespace {

constexpr std::uint32_t index_mark = 0xFFFFFFFF;

template <class T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
}

}  // namespace

SessionWriter::SessionWriter(const std::filesystem::path& file) : file_(file), out_(file, std::ios::binary | std::ios::trunc) {
  if (!out_) throw StorageError(fmt::format("{}: can't be written: {}", file.string(), std::strerror(errno)));
  write("MAILROOM-SESSION-1\n");
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
