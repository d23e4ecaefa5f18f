#include "runtime/simulation/simulated_outside.hpp"

#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/saved_position.hpp>

namespace mailroom::runtime {
namespace {

class SimulatedSink final : public Sink {
 public:
  SimulatedSink(std::string stage, OutsideFile& file, World& world) : stage_(std::move(stage)), file_(file), world_(world) {}

  void write(const SinkEvent& event) override {
    if (world_.power_off) throw StorageError("the power has failed");
    ++world_.done.sink_writes;
    if (const auto fault = world_.take(FaultKind::sink_failure, world_.done.sink_writes)) {
      world_.say(*fault);
      world_.crash_now = fault;
      throw StorageError(fmt::format("{}: the outside refuses a write", stage_));
    }
    const auto id = world_.events.note(event.type, event.event, event.meta.trace);
    world_.say(stage_, [&] { return fmt::format("writes {}", EventCatalogue::describe(event.type, event.event)); });
    if (world_.unsafe.contains({event.stream, event.sequence}))
      world_.violate("only what is safe goes out",
                     fmt::format("{} writes {}, and the commit that made it can still be lost", stage_, world_.events.describe(id)));
    buffer_.push_back({id, event.meta.time, {event.stream, event.sequence}});
    ++world_.progress;
  }
  nlohmann::json flush() override {
    for (const auto& row : buffer_) {
      const auto [seen, is_new] = file_.by_sequence.try_emplace(row.sequence, row.event);
      if (is_new || seen->second == row.event) continue;
      world_.violate("a sink's sequence names one event",
                     fmt::format("{} gives sequence {} of stream {} to {}, and gave it to {} before", stage_, row.sequence.second, row.sequence.first,
                                 world_.events.describe(row.event), world_.events.describe(seen->second)));
    }
    file_.rows.insert(file_.rows.end(), buffer_.begin(), buffer_.end());
    buffer_.clear();
    return {{"rows", file_.rows.size()}};
  }
  void sync() override {
    if (world_.power_off) throw StorageError("the power has failed");
    file_.synced = file_.rows.size();
  }
  void recover(const nlohmann::json& position) override {
    const auto rows = position.is_null() ? 0 : saved_number(position, "rows", stage_);
    buffer_.clear();
    if (file_.rows.size() < rows) {
      world_.violate("acknowledged is kept", fmt::format("{}: {} rows were committed and the file kept {}", stage_, rows, file_.rows.size()));
      return;
    }
    if (file_.rows.size() > rows)
      world_.say(stage_, [&] {
        const auto back = file_.rows.size() - rows;
        return back == 1 ? fmt::format("takes back its last row, which was not committed; {} stay", rows)
                         : fmt::format("takes back its last {} rows, which were not committed; {} stay", back, rows);
      });
    file_.rows.resize(rows);
    file_.synced = std::min(file_.synced, file_.rows.size());
  }

 private:
  const std::string stage_;
  OutsideFile& file_;
  World& world_;
  std::vector<OutsideFile::Row> buffer_;
};

}  // namespace

SinkType simulated_sink(const Stage& stage, OutsideFile& file, World& world) {
  auto type = *stage.sink;
  type.make = [name = stage.name, &file, &world](const SinkSettings&) -> std::unique_ptr<Sink> {
    return std::make_unique<SimulatedSink>(name, file, world);
  };
  return type;
}

}  // namespace mailroom::runtime
