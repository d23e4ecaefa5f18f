// A batch's bytes as they are, and with length and checksum mended, so that what lies behind these is reached.
#include <cstring>
#include <string>
#include <vector>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>
#include <mailroom/mailroom.hpp>

#include "tests/fuzz/targets.hpp"

namespace mailroom::fuzz {
namespace {

struct Parcel {
  std::string name;
  std::vector<std::string> labels;
  std::map<std::string, std::int64_t> counts;
  std::optional<double> weight;
  Timestamp at;
  Money price;
};
MAILROOM_EVENT(Parcel, name, labels, counts, weight, at, price)

struct Tick {
  std::int64_t number = 0;
};
MAILROOM_EVENT(Tick, number)

void decode(std::string_view bytes) {
  try {
    const auto batch = decode_batch(bytes);
    hold(batch.size() <= EventBatch::max_events, "a batch has no more events than a batch can have");
    std::string once, twice;
    encode_batch(batch, once);
    encode_batch(decode_batch(once), twice);
    hold(once == twice, "a batch is written as it was read");
  } catch (const CorruptData& error) {
    hold(std::strlen(error.what()) > 0, "what is refused is refused with a reason");
  }
}

}  // namespace

void batch(std::string_view bytes) {
  decode(bytes);
  // magic 4, length 4, checksum 4 of all behind it
  if (bytes.size() < 12) return;
  std::string mended(bytes);
  const auto put = [&](std::size_t at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) mended[at + i] = static_cast<char>(number >> (8 * i));
  };
  mended.replace(0, batch_magic.size(), batch_magic);
  put(4, static_cast<std::uint32_t>(mended.size()));
  put(8, crc32c(std::string_view(mended).substr(12)));
  decode(mended);
}

}  // namespace mailroom::fuzz
