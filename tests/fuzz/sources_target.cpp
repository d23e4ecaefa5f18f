// CSV and JSON lines: whatever a file holds, and however it is cut into reads and restarts, it is the same events and the
// same dirty input.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <mailroom/errors.hpp>
#include <mailroom/mailroom.hpp>
#include <mailroom/sources/csv_format.hpp>
#include <mailroom/sources/jsonl_format.hpp>
#include <mailroom/sources/record_source.hpp>
#include <mailroom/sources/utf8.hpp>

#include "tests/fuzz/targets.hpp"

namespace mailroom::fuzz {
namespace {

struct Row {
  std::string name;
  std::int64_t quantity = 0;
  std::optional<std::string> note;
  std::optional<double> weight;
  Timestamp at;
};
MAILROOM_EVENT(Row, name, quantity, note, weight, at)

// One file in memory, given in pieces of `piece` bytes.
class MemoryInput final : public Input {
 public:
  MemoryInput(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  Got read(char* to, std::size_t room, std::size_t& count) override {
    count = std::min({room, piece_, bytes_.size() - at_});
    if (count == 0) return Got::end;
    bytes_.copy(to, count, at_);
    at_ += count;
    return Got::bytes;
  }
  Next next_file() override {
    if (std::exchange(opened_, true)) return Next::end;
    at_ = 0;
    return Next::opened;
  }
  [[nodiscard]] const std::string& path() const override { return name_; }
  [[nodiscard]] const std::string& origin() const override { return name_; }
  [[nodiscard]] nlohmann::json position(const Place& place) const override {
    return {{"opened", opened_}, {"offset", place.offset}, {"line", place.line}, {"records", place.records}};
  }
  Resumed seek(const nlohmann::json& position) override {
    opened_ = position.at("opened").get<bool>();
    Resumed resumed;
    resumed.opened = opened_;
    resumed.place.offset = position.at("offset").get<std::uint64_t>();
    resumed.place.line = position.at("line").get<std::uint64_t>();
    resumed.place.records = position.at("records").get<std::uint64_t>();
    hold(resumed.place.offset <= bytes_.size(), "a position is within the file");
    at_ = 0;
    return resumed;
  }
  void rewind(std::uint64_t offset) override { at_ = static_cast<std::size_t>(offset); }
  [[nodiscard]] SourceProgress progress(std::uint64_t offset) const override { return {offset, bytes_.size(), "bytes"}; }

 private:
  const std::string_view bytes_;
  const std::size_t piece_;
  const std::string name_ = "fuzz";
  std::size_t at_ = 0;
  bool opened_ = false;
};

using MakeFormat = std::unique_ptr<RecordFormat> (*)(unsigned kind);
constexpr std::size_t max_line = 200;

// All that the file gives, events before dirty input, each in the file's order; behind each `restart_every`-th read by a new source, which
// begins there. (At most six times: each takes half a megabyte of buffers.)
std::vector<std::string> read_all(std::string_view file, MakeFormat format, unsigned kind, std::size_t piece, std::size_t at_once, std::size_t restart_every) {
  const auto make = [&] { return std::make_unique<RecordSource>(std::make_unique<MemoryInput>(file, piece), format(kind), max_line); };
  std::vector<std::string> found, refused;
  auto source = make();
  SourceBatch batch;
  // Every read moves on: a byte, a file, or the end.
  for (std::size_t reads = 0; reads < 4 * file.size() + 10; ++reads) {
    batch.clear();
    const auto status = source->read(batch, at_once);
    for (std::size_t i = 0; i < batch.events.size(); ++i)
      found.push_back(batch.events.type(i).to_json(batch.events.event(i)).dump());
    for (const auto& dirty : batch.dirty) {
      hold(!dirty.reason.empty(), "dirty input has a reason");
      hold(first_byte_not_text(dirty.reason + dirty.content + dirty.origin) == std::string::npos, "what is shown is text");
      // How much is shown of a line that is too long depends on how much of it had been read.
      refused.push_back("dirty " + dirty.origin + " " + dirty.reason + (dirty.content.size() < max_line ? " " + dirty.content : ""));
    }
    if (status == ReadStatus::end) {
      found.insert(found.end(), refused.begin(), refused.end());
      return found;
    }
    if (restart_every > 0 && (reads + 1) % restart_every == 0 && reads < 6 * restart_every) {
      const auto position = source->position();
      source = make();
      source->seek(position);
    }
  }
  hold(false, "a file comes to its end");
  return found;
}

void any_file(std::string_view bytes, MakeFormat format) {
  if (bytes.empty()) return;
  const auto choice = static_cast<unsigned char>(bytes.front());
  const auto kind = choice % 8u;
  bytes.remove_prefix(1);
  try {
    const auto whole = read_all(bytes, format, kind, 1 << 16, 1000, 0);
    hold(read_all(bytes, format, kind, 1 + choice / 8 % 8, 1000, 0) == whole, "small pieces are the same events");
    hold(read_all(bytes, format, kind, 7, 1, 0) == whole, "one at a time they are the same events");
    hold(read_all(bytes, format, kind, 7, 1, 1 + choice / 64) == whole, "a restart between two events changes nothing");
  } catch (const BadValue&) {  // a header that fits no event: the file as a whole is refused
  }
}

}  // namespace

void csv(std::string_view bytes) {
  any_file(bytes, [](unsigned kind) -> std::unique_ptr<RecordFormat> {
    CsvSettings settings;
    settings.separator = (kind & 1) != 0 ? ';' : ',';
    settings.header = (kind & 2) != 0;
    settings.trim = (kind & 4) != 0;
    settings.max_record = 100;
    return std::make_unique<CsvFormat>(event_type_of<Row>(), settings);
  });
}

void jsonl(std::string_view bytes) {
  any_file(bytes, [](unsigned kind) -> std::unique_ptr<RecordFormat> {
    return std::make_unique<JsonlFormat>(std::vector<const EventType*>{&event_type_of<Row>()}, (kind & 1) != 0 ? "type" : "");
  });
}

}  // namespace mailroom::fuzz
