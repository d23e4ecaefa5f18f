#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <nmmintrin.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

namespace mailroom {
namespace {

static_assert(std::endian::native == std::endian::little, "batches are written little endian");

constexpr std::size_t header_bytes = 4 + 4 + 4 + 4 + 2;
constexpr std::size_t meta_bytes = 8 + 8 + 8 + 2 + 2 + 4;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
void put_at(std::string& out, std::size_t at, T value) {
  std::memcpy(out.data() + at, &value, sizeof value);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  T take(const char* what) {
    T value;
    if (rest_.size() < sizeof value) throw CorruptData(fmt::format("a batch ends within its {}", what));
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view take_bytes(std::size_t count, const char* what) {
    if (rest_.size() < count) throw CorruptData(fmt::format("a batch ends within its {}", what));
    const auto bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

constexpr auto crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? (c >> 1) ^ 0x82F63B78u : c >> 1;
    table[i] = c;
  }
  return table;
}();

std::uint32_t crc32c_table(std::string_view bytes, std::uint32_t crc) {
  for (const char byte : bytes) crc = crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF] ^ (crc >> 8);
  return crc;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse(std::string_view bytes, std::uint32_t crc) {
  const char* at = bytes.data();
  auto left = bytes.size();
  std::uint64_t wide = crc;
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return narrow;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) noexcept {
  static const bool has_instruction = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
  }();
  const auto crc = ~seed;
  return ~(has_instruction ? crc32c_sse(bytes, crc) : crc32c_table(bytes, crc));
}

void encode_batch(const EventBatch& batch, std::string& out) {
  const auto begin = out.size();
  out.append(batch_magic);
  put(out, std::uint32_t{0});
  put(out, std::uint32_t{0});
  put(out, static_cast<std::uint32_t>(batch.size()));
  put(out, static_cast<std::uint16_t>(batch.columns().size()));
  for (const auto& column : batch.columns()) {
    put(out, column.type->schema_id());
    put(out, column.type->version());
    put(out, static_cast<std::uint32_t>(column.events->size()));
    const auto length_at = out.size();
    put(out, std::uint32_t{0});
    column.events->encode(out);
    put_at(out, length_at, static_cast<std::uint32_t>(out.size() - length_at - 4));
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& meta = batch.meta(i);
    put(out, meta.time.micros);
    put(out, meta.trace);
    put(out, meta.key_hash);
    put(out, meta.column);
    put(out, meta.row);
    put(out, meta.behind_ms);
  }
  put_at(out, begin + 4, static_cast<std::uint32_t>(out.size() - begin));
  put_at(out, begin + 8, crc32c(std::string_view(out).substr(begin + 12)));
}

EventBatch decode_batch(std::string_view bytes) {
  Reader in(bytes);
  if (bytes.size() < header_bytes || in.take_bytes(4, "magic") != batch_magic)
    throw CorruptData("not a batch: it does not begin with MRB3");
  const auto length = in.take<std::uint32_t>("length");
  if (length != bytes.size())
    throw CorruptData(fmt::format("a batch says it has {} bytes and has {}", length, bytes.size()));
  const auto crc = in.take<std::uint32_t>("checksum");
  if (const auto found = crc32c(bytes.substr(12)); found != crc)
    throw CorruptData(fmt::format("a batch's checksum is {:08x}, its bytes give {:08x}", crc, found));
  const auto count = in.take<std::uint32_t>("event count");
  const auto columns = in.take<std::uint16_t>("column count");
  if (count > bytes.size() / meta_bytes)
    throw CorruptData(fmt::format("a batch of {} bytes can't hold {} events", bytes.size(), count));

  EventBatch batch;
  std::vector<const EventType*> types;
  std::vector<std::uint32_t> sizes;
  for (std::uint16_t c = 0; c < columns; ++c) {
    const auto schema = in.take<std::uint32_t>("schema id");
    const auto version = in.take<std::uint16_t>("schema version");
    const auto events = in.take<std::uint32_t>("event count");
    const auto size = in.take<std::uint32_t>("length");
    const auto column_bytes = in.take_bytes(size, "events");
    const auto* type = EventTypes::find_schema(schema);
    if (type == nullptr)
      throw CorruptData(
          fmt::format("events of an unknown type (schema {:08x}); is the scenario's library loaded?", schema));
    if (version > type->version())
      throw CorruptData(
          fmt::format("{} was written as version {} and this program knows version {}; run the newer program",
                      type->name(), version, type->version()));
    if (events > count || (size == 0 && events > 0 && !type->schema().fields.empty()))
      throw CorruptData(fmt::format("a batch of {} events says that {} of them are {}", count, events, type->name()));
    try {
      batch.column(*type).decode(column_bytes, events, version);
    } catch (const CorruptData& error) {
      throw CorruptData(fmt::format("{} events of type {} can't be read: {}", events, type->name(), error.what()));
    }
    types.push_back(type);
    sizes.push_back(events);
  }
  if (in.left() != count * meta_bytes) throw CorruptData("a batch's length does not fit its number of events");
  std::vector<std::uint32_t> seen(columns, 0);
  for (std::uint32_t i = 0; i < count; ++i) {
    EventMeta meta;
    meta.time.micros = in.take<std::int64_t>("time");
    meta.trace = in.take<std::uint64_t>("trace");
    meta.key_hash = in.take<std::uint64_t>("key hash");
    meta.column = in.take<std::uint16_t>("column");
    meta.row = in.take<std::uint16_t>("row");
    meta.behind_ms = in.take<std::uint32_t>("lateness");
    // Rows of a column rise by one: anything else was not written by encode_batch.
    if (meta.column >= columns || meta.row != seen[meta.column]++)
      throw CorruptData("a batch's events are not in the order of their columns");
    batch.adopt(meta);
  }
  if (seen != sizes) throw CorruptData("a batch's columns hold events that are not listed");
  return batch;
}

}  // namespace mailroom
