#include "cluster/face/telemetry_frames.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include "cluster/face/cbor_writer.hpp"
#include "runtime/telemetry/shard_counters.hpp"
#include "runtime/topology/policies.hpp"

namespace mailroom::cluster {

using namespace mailroom::runtime;

namespace {

constexpr std::size_t items_kept = 8192;

const char* const shard_columns[] = {
    "state",   "depth",     "high_water", "in",       "out",      "failures",         "retries",      "restarts",
    "dead_letters", "dropped", "parked",  "waiting",  "timers",   "unrouted",         "order_violations", "order_breaks",
    "late",    "duplicates", "missing",   "commits",  "keys",     "wait_p50_us",      "wait_p99_us",  "work_p50_us",
    "work_p99_us", "busy_with"};
const char* const edge_columns[] = {"sent",           "processed", "dead_lettered", "parked", "in_flight", "dropped_oldest",
                                    "dropped_newest", "rejected",  "blocked"};
const char* const source_columns[] = {"events", "dirty", "done", "total", "ended"};

// Users' texts may be anything; CBOR's are UTF-8.
std::string text_of(const std::string& text) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  const auto quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(quoted).get<std::string>();
}

nlohmann::json supervision_json(const SupervisionPolicy& policy) {
  return {{"strategy", name_in(strategy_names, policy.strategy)},
          {"restarts", policy.restarts},
          {"within_us", std::chrono::microseconds(policy.within).count()}};
}

const char* kind_of(const Stage& stage) {
  switch (stage.kind) {
    case StageKind::source: return "source";
    case StageKind::sink: return "sink";
    case StageKind::actor: break;
  }
  return stage.ordering == Ordering::none ? "workers" : "actor";
}

nlohmann::json stage_json(const Stage& stage) {
  nlohmann::json json{{"name", stage.name},
                      {"kind", kind_of(stage)},
                      {"type", stage.actor != nullptr    ? stage.actor->name
                               : stage.source != nullptr ? stage.source->name
                                                         : stage.sink->name},
                      {"shards", stage.shards},
                      {"capacity", stage.kind == StageKind::source ? 0 : stage.mailbox.capacity},
                      {"overflow", name_in(overflow_names, stage.mailbox.overflow)},
                      {"ordering", name_in(ordering_names, stage.ordering)},
                      {"supervision", nullptr},
                      {"failure", nullptr},
                      {"deadline_us", nullptr},
                      {"watch_order", nullptr}};
  if (stage.kind != StageKind::actor) return json;
  json["supervision"] = supervision_json(stage.supervision);
  json["failure"] = {{"retries", stage.on_failure.retries}, {"then", stage.on_failure.then == Then::skip ? "skip" : name_in(then_names, stage.on_failure.then)}};
  json["deadline_us"] = std::chrono::microseconds(stage.deadline).count();
  if (stage.watch_order)
    json["watch_order"] = {{"sequence", stage.watch_order->sequence},
                           {"grace_us", std::chrono::microseconds(stage.watch_order->grace).count()}};
  return json;
}

std::uint64_t cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) { return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec); };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}
std::uint64_t rss_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The members that are there, counted first: CBOR's maps begin with their size.
class Members {
 public:
  void number(const char* name, std::uint64_t value) {
    key(name);
    CborWriter(bytes_).number(value);
  }
  void integer(const char* name, std::int64_t value) {
    key(name);
    CborWriter(bytes_).integer(value);
  }
  void text(const char* name, std::string_view value) {
    key(name);
    CborWriter(bytes_).text(value);
  }
  void maybe_text(const char* name, const std::string& value) {
    if (!value.empty()) text(name, text_of(value));
  }
  template <class T>
  void maybe(const char* name, const std::optional<T>& value) {
    if (value) integer(name, static_cast<std::int64_t>(*value));
  }
  // 0 is unknown.
  void time(const char* name, std::int64_t us) {
    key(name);
    us == 0 ? CborWriter(bytes_).null() : CborWriter(bytes_).integer(us);
  }
  [[nodiscard]] std::string map() const {
    std::string out;
    CborWriter writer(out);
    writer.map(count_);
    writer.raw(bytes_);
    return out;
  }

 private:
  void key(const char* name) {
    ++count_;
    CborWriter(bytes_).text(name);
  }
  std::string bytes_;
  std::size_t count_ = 0;
};

std::string encode(const TelemetryEvent& event) {
  Members members;
  members.number("id", event.id);
  members.integer("at_us", event.at_us);
  members.text("kind", to_string(event.kind));
  members.maybe("shard", event.shard);
  members.maybe("from", event.from);
  members.maybe_text("key", event.key);
  members.maybe("sequence", event.sequence);
  if (event.type != nullptr) members.text("event", event.type->name());
  if (event.trace != 0) members.text("trace", fmt::format("{:x}", event.trace));
  if (event.attempt != 0) members.number("attempt", event.attempt);
  members.maybe_text("text", event.text);
  members.maybe_text("stage", event.stage);
  members.maybe_text("letter", event.letter);
  members.maybe_text("reason_kind", event.reason_kind);
  members.maybe("highest", event.highest);
  members.maybe("first", event.first);
  members.maybe("last", event.last);
  members.maybe("belonged_us", event.belonged_us);
  members.maybe("first_us", event.first_us);
  members.maybe("delay_us", event.delay_us);
  members.maybe("left", event.left);
  members.maybe("count", event.count);
  members.maybe("gap", event.gap);
  return members.map();
}

std::string encode(const Span& span) {
  Members members;
  members.text("trace", fmt::format("{:x}", span.trace));
  members.number("shard", span.shard);
  members.maybe("from", span.from);
  if (span.type != nullptr) members.text("event", span.type->name());
  members.maybe_text("key", span.key);
  members.maybe("sequence", span.sequence);
  members.number("attempt", span.attempt);
  members.time("entered_us", span.entered_us);
  members.time("started_us", span.started_us);
  members.time("ended_us", span.ended_us);
  members.text("outcome", to_string(span.outcome));
  members.maybe_text("text", span.text);
  return members.map();
}

std::string encode(std::size_t index, const ShardSnapshot& s) {
  std::string bytes;
  CborWriter out(bytes);
  out.array(1 + std::size(shard_columns));
  out.number(index);
  for (const auto value : {static_cast<std::uint64_t>(s.state), s.depth, s.high_water, s.in, s.out, s.failures, s.retries,
                           s.restarts, s.dead_letters, s.dropped, s.parked, s.waiting, s.timers, s.unrouted,
                           s.order_violations, s.order_breaks, s.late, s.duplicates, s.missing, s.commits, s.keys})
    out.number(value);
  for (const auto& recent : {s.recent_wait, s.recent_work}) {
    out.maybe(recent.p50_us);
    out.maybe(recent.p99_us);
  }
  s.busy_with.empty() ? out.null() : out.text(s.busy_with);
  return bytes;
}

std::string encode(std::size_t index, const EdgeSnapshot& e) {
  std::string bytes;
  CborWriter out(bytes);
  out.array(1 + std::size(edge_columns));
  out.number(index);
  for (const auto value : {e.sent, e.processed, e.dead_lettered, e.parked, e.in_flight, e.dropped_oldest,
                           e.dropped_newest, e.rejected})
    out.number(value);
  out.boolean(e.blocked);
  return bytes;
}

std::string encode(const SourceSnapshot& s) {
  std::string bytes;
  CborWriter out(bytes);
  out.array(1 + std::size(source_columns));
  out.text(s.stage);
  for (const auto value : {s.events, s.dirty, s.done}) out.number(value);
  out.maybe(s.total);
  out.boolean(s.ended);
  return bytes;
}

}  // namespace

TelemetryFrames::TelemetryFrames(const Engine& engine, std::string program)
    : engine_(engine),
      plan_(engine.plan()),
      program_(std::move(program)),
      started_us_([&] {
        const auto snapshot = engine.latest_snapshot();
        return snapshot->wall_us - static_cast<std::int64_t>(snapshot->uptime_us);
      }()) {
  // Items begin with what the engine still keeps.
  refresh(0);
}

Frame TelemetryFrames::hello(std::string_view role) const {
  const auto& topology = plan_.topology;
  const auto snapshot = engine_.latest_snapshot();
  nlohmann::json json{{"type", "hello"},
                      {"protocol", 1},
                      {"program", program_},
                      {"node", text_of(snapshot->node)},
                      {"topology", topology.name},
                      {"durable", snapshot->durable},
                      {"started_us", started_us_},
                      {"wall_us", snapshot->wall_us},
                      {"rate_hz", rate_hz},
                      {"role", role},
                      {"trace_one_in", engine_.trace_one_in()},
                      {"supervision", supervision_json(topology.supervision)},
                      {"shard_columns", shard_columns},
                      {"edge_columns", edge_columns},
                      {"source_columns", source_columns}};
  auto& stages = json["stages"] = nlohmann::json::array();
  auto& shards = json["shards"] = nlohmann::json::array();
  auto& edges = json["edges"] = nlohmann::json::array();
  for (const auto& stage : topology.stages) {
    stages.push_back(stage_json(stage));
    for (std::uint32_t n = 0; n < stage.shards; ++n) shards.push_back({stage.name, n});
    for (const auto& input : stage.inputs) {  // Plan::edges has the same order
      auto events = nlohmann::json::array();
      for (const auto* type : input.events) events.push_back(type->name());
      edges.push_back({{"from", topology.stages[input.from].name},
                       {"to", stage.name},
                       {"events", std::move(events)},
                       {"feedback", input.feedback}});
    }
  }
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);
  return std::make_shared<const std::string>(std::move(bytes));
}

void TelemetryFrames::put(std::vector<Row>& rows, std::size_t index, std::string bytes) {
  auto& row = rows[index];
  if (row.bytes == bytes) return;
  row.bytes = std::move(bytes);
  row.changed = version_;
}

template <class Following, class Encode>
void TelemetryFrames::take(Items& items, const Following& following, Encode&& encode_one) {
  items.dropped = following.dropped;
  if (following.missed > 0) items.items.clear();
  for (const auto& item : following.items) {
    items.items.push_back(encode_one(item));
    if (items.items.size() > items_kept) items.items.pop_front();
  }
  items.next = following.next;
}

void TelemetryFrames::refresh(std::size_t clients) {
  auto snapshot = engine_.latest_snapshot();
  if (snapshot != snapshot_ || clients != clients_) {
    snapshot_ = std::move(snapshot);
    clients_ = clients;
    ++version_;
    made_.clear();
    shards_.resize(snapshot_->shards.size());
    edges_.resize(snapshot_->edges.size());
    sources_.resize(snapshot_->sources.size());
    for (std::size_t i = 0; i < shards_.size(); ++i) put(shards_, i, encode(i, snapshot_->shards[i]));
    for (std::size_t i = 0; i < edges_.size(); ++i) put(edges_, i, encode(i, snapshot_->edges[i]));
    for (std::size_t i = 0; i < sources_.size(); ++i) put(sources_, i, encode(snapshot_->sources[i]));
  }
  const auto& log = engine_.telemetry_log();
  take(events_, log.events_from(events_.next, items_kept), [](const TelemetryEvent& event) { return encode(event); });
  take(spans_, log.spans_from(spans_.next, items_kept), [](const Span& span) { return encode(span); });
}

Frame TelemetryFrames::gauges(std::uint64_t since) {
  auto& made = made_[since];
  if (made) return made;
  std::string bytes;
  CborWriter out(bytes);
  const auto key = [&](const char* name) -> CborWriter& {
    out.text(name);
    return out;
  };
  out.map(15);
  key("type").text("gauges");
  key("frame").number(version_);
  key("wall_us").integer(snapshot_->wall_us);
  key("uptime_us").number(snapshot_->uptime_us);
  key("full").boolean(since == 0);
  key("commits").number(snapshot_->commits);
  key("syncs").number(snapshot_->syncs);
  key("sync_p99_us").maybe(snapshot_->sync_time.quantile_us(0.99));
  key("cpu_us").number(cpu_us());
  key("rss_bytes").number(rss_bytes());
  key("clients").number(clients_);
  key("letters_forgotten").number(engine_.forgotten_dead_letters());
  const auto rows = [&](const char* name, const std::vector<Row>& all) {
    std::size_t count = 0;
    for (const auto& row : all) count += row.changed > since;
    key(name).array(count);
    for (const auto& row : all)
      if (row.changed > since) out.raw(row.bytes);
  };
  rows("shards", shards_);
  rows("edges", edges_);
  rows("sources", sources_);
  made = std::make_shared<const std::string>(std::move(bytes));
  return made;
}

TelemetryFrames::Place TelemetryFrames::end() const {
  Place place;
  place.next_event = events_.next;
  place.next_span = spans_.next;
  place.dropped_events_before = events_.dropped;
  place.dropped_spans_before = spans_.dropped;
  return place;
}

Frame TelemetryFrames::frame_of(const char* type, const Items& items, std::uint64_t& next, std::uint64_t& missed,
                                std::uint64_t dropped_before) {
  const auto first = items.next - items.items.size();
  if (next < first) {
    missed += first - next;
    next = first;
  }
  const auto count = std::min<std::uint64_t>(items.next - next, most_items);
  if (count == 0) return nullptr;
  std::string bytes;
  CborWriter out(bytes);
  out.map(3);
  out.text("type");
  out.text(type);
  out.text("dropped");
  out.number(missed + items.dropped - dropped_before);
  out.text(type);
  out.array(count);
  for (std::uint64_t i = 0; i < count; ++i) out.raw(items.items[next - first + i]);
  next += count;
  return std::make_shared<const std::string>(std::move(bytes));
}

Frame TelemetryFrames::events(Place& place) const {
  return frame_of("events", events_, place.next_event, place.missed_events, place.dropped_events_before);
}
Frame TelemetryFrames::spans(Place& place) const {
  return frame_of("spans", spans_, place.next_span, place.missed_spans, place.dropped_spans_before);
}

}  // namespace mailroom::cluster
