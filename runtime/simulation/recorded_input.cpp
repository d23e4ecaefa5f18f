#include "runtime/simulation/recorded_input.hpp"

#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/saved_position.hpp>

namespace mailroom::runtime {
namespace {

class SimulatedSource final : public Source {
 public:
  SimulatedSource(std::string stage, std::uint32_t shard, const RecordedInput& input, World& world)
      : stage_(std::move(stage)), name_(fmt::format("{}/{}", stage_, shard)), input_(input), world_(world) {}

  ReadStatus read(SourceBatch& batch, std::size_t max_events) override {
    ++world_.done.reads;
    if (const auto fault = world_.take(FaultKind::source_stall, world_.done.reads)) {
      silent_until_ = world_.clock->steady_us() + fault->amount;
      world_.say(*fault);
    }
    if (world_.clock->steady_us() < silent_until_) return ReadStatus::idle;
    if (next_ == 0 && !dirty_given_)
      for (const auto& dirty : input_.dirty) batch.dirty.push_back(dirty);
    dirty_given_ = true;
    // Real sources give what they have at the time.
    const auto first = next_;
    auto count = std::min<std::size_t>(max_events, 1 + world_.random() % 32);
    for (; count > 0 && next_ < input_.events.size(); --count, ++next_) {
      const auto& event = input_.events[next_];
      EventMeta meta;
      meta.time = event.time;
      batch.events.append_copy(*event.type, event.event(), meta);
      ++world_.progress;
    }
    world_.say(name_, [&] {
      if (next_ == first) return fmt::format("reads, and has nothing more; {} events in all", input_.events.size());
      return fmt::format("reads event{} of {}{}", next_ == first + 1 ? fmt::format(" {}", next_) : fmt::format("s {} to {}", first + 1, next_),
                         input_.events.size(), next_ == input_.events.size() ? ", its last" : "");
    });
    return next_ < input_.events.size() ? ReadStatus::more : ReadStatus::end;
  }
  [[nodiscard]] nlohmann::json position() const override { return {{"event", next_}, {"dirty", dirty_given_}}; }
  void seek(const nlohmann::json& position) override {
    next_ = saved_number(position, "event", stage_);
    dirty_given_ = position.at("dirty").get<bool>();
    world_.say(name_, [&] { return fmt::format("goes on after event {}", next_); });
  }
  [[nodiscard]] SourceProgress progress() const override { return {next_, input_.events.size(), "events"}; }

 private:
  const std::string stage_, name_;
  const RecordedInput& input_;
  World& world_;
  std::uint64_t next_ = 0;
  bool dirty_given_ = false;
  std::int64_t silent_until_ = 0;
};

}  // namespace

RecordedInput record_input(const Stage& stage, std::uint32_t shard, std::size_t most) {
  SourceSettings settings;
  settings.event = stage.source_event;
  settings.path = stage.path;
  settings.options = stage.options;
  settings.shard = shard;
  settings.shards = stage.shards;
  const auto source = stage.source->make(settings);
  RecordedInput input;
  SourceBatch batch;
  int silent = 0;
  while (input.events.size() < most) {
    batch.clear();
    const auto status = source->read(batch, std::min<std::size_t>(256, most - input.events.size()));
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      std::shared_ptr<EventColumn> column = batch.events.type(i).make_column(1);
      column->append_copy(batch.events.event(i));
      input.events.push_back({&batch.events.type(i), std::move(column), batch.events.meta(i).time});
    }
    for (auto& dirty : batch.dirty) input.dirty.push_back(std::move(dirty));
    if (status == ReadStatus::end) break;
    silent = batch.events.empty() && batch.dirty.empty() ? silent + 1 : 0;
    if (silent > 100) {
      if (!input.events.empty()) break;
      throw BadValue(fmt::format("source {} has nothing to give and does not end; for a simulation, give it a file or a "
                                 "generator with --input {}=PATH", stage.name, stage.name));
    }
  }
  return input;
}

SourceType simulated_source(const Stage& stage, const std::vector<RecordedInput>& inputs, World& world) {
  auto type = *stage.source;
  type.make = [name = stage.name, &inputs, &world](const SourceSettings& settings) -> std::unique_ptr<Source> {
    return std::make_unique<SimulatedSource>(name, settings.shard, inputs.at(settings.shard), world);
  };
  return type;
}

}  // namespace mailroom::runtime
