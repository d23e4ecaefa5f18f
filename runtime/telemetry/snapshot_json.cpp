#include "runtime/telemetry/snapshot_json.hpp"

#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {
namespace {

template <class T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json histogram_json(const HistogramSnapshot& histogram) {
  auto buckets = nlohmann::json::array();
  for (std::size_t i = 0; i < HistogramSnapshot::buckets; ++i)
    if (histogram.counts[i] > 0) buckets.push_back({Histogram::upper_bound_us(i), histogram.counts[i]});
  return {{"p50_us", or_null(histogram.quantile_us(0.5))},
          {"p99_us", or_null(histogram.quantile_us(0.99))},
          {"buckets", buckets}};
}

}  // namespace

nlohmann::json to_json(const TelemetrySnapshot& snapshot) {
  auto shards = nlohmann::json::array();
  for (const auto& s : snapshot.shards)
    shards.push_back({{"stage", s.stage},
                      {"shard", s.shard},
                      {"state", std::string(to_string(s.state))},
                      {"depth", s.depth},
                      {"high_water", s.high_water},
                      {"capacity", s.capacity},
                      {"in", s.in},
                      {"out", s.out},
                      {"failures", s.failures},
                      {"retries", s.retries},
                      {"restarts", s.restarts},
                      {"dead_letters", s.dead_letters},
                      {"dropped", s.dropped},
                      {"parked", s.parked},
                      {"waiting", s.waiting},
                      {"timers", s.timers},
                      {"unrouted", s.unrouted},
                      {"order_violations", s.order_violations},
                      {"order_breaks", s.order_breaks},
                      {"commits", s.commits},
                      {"keys", s.keys},
                      {"wait", histogram_json(s.wait)},
                      {"work", histogram_json(s.work)},
                      {"busy_with", s.busy_with.empty() ? nlohmann::json(nullptr) : nlohmann::json(s.busy_with)}});
  auto edges = nlohmann::json::array();
  for (const auto& e : snapshot.edges)
    edges.push_back({{"from", e.from},
                     {"to", e.to},
                     {"sent", e.sent},
                     {"processed", e.processed},
                     {"dead_lettered", e.dead_lettered},
                     {"parked", e.parked},
                     {"in_flight", e.in_flight},
                     {"dropped_oldest", e.dropped_oldest},
                     {"dropped_newest", e.dropped_newest},
                     {"rejected", e.rejected},
                     {"difference", e.difference()}});
  auto sources = nlohmann::json::array();
  for (const auto& s : snapshot.sources)
    sources.push_back({{"stage", s.stage},
                       {"events", s.events},
                       {"dirty", s.dirty},
                       {"done", s.done},
                       {"total", or_null(s.total)},
                       {"unit", s.unit},
                       {"ended", s.ended}});
  return {{"topology", snapshot.topology},
          {"durable", snapshot.durable},
          {"wall_us", snapshot.wall_us},
          {"uptime_us", snapshot.uptime_us},
          {"commits", snapshot.commits},
          {"syncs", snapshot.syncs},
          {"sync_time", histogram_json(snapshot.sync_time)},
          {"shards", shards},
          {"edges", edges},
          {"sources", sources}};
}

}  // namespace mailroom::runtime
