#include "cluster/face/metrics_text.hpp"

#include <fstream>
#include <functional>
#include <limits>
#include <prometheus/text_serializer.h>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::cluster {

using namespace mailroom::runtime;

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr double in_seconds = 1e-6;

class Families {
 public:
  MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
    if (families_.empty() || families_.back().name != name) families_.push_back({name, help, type, {}});
    return families_.back();
  }
  void counter(const std::string& name, const std::string& help, Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    family(name, help, MetricType::Counter).metric.push_back(std::move(metric));
  }
  void gauge(const std::string& name, const std::string& help, Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
  }
  // One bucket for each power of two up to 67 s; the sum is that of the buckets' upper bounds.
  void histogram(const std::string& name, const std::string& help, Labels labels, const HistogramSnapshot& counts) {
    ClientMetric metric;
    metric.label = std::move(labels);
    auto& out = metric.histogram;
    for (std::size_t i = 0; i < HistogramSnapshot::buckets; ++i) {
      out.sample_count += counts.counts[i];
      out.sample_sum += static_cast<double>(counts.counts[i]) * static_cast<double>(Histogram::upper_bound_us(i)) * in_seconds;
      if (i % 4 == 0 && i / 4 <= 26)
        out.bucket.push_back({out.sample_count, static_cast<double>(Histogram::upper_bound_us(i)) * in_seconds});
    }
    out.bucket.push_back({out.sample_count, std::numeric_limits<double>::infinity()});
    family(name, help, MetricType::Histogram).metric.push_back(std::move(metric));
  }
  [[nodiscard]] const std::vector<MetricFamily>& all() const { return families_; }

 private:
  std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

std::string metrics_text(const TelemetrySnapshot& snapshot, const ProcessFigures& process) {
  Families out;
  out.gauge("mailroom_build_info", "Always 1; the labels say what runs.",
            {{"topology", snapshot.topology}, {"node", snapshot.node}, {"durable", snapshot.durable ? "true" : "false"}, {"version", process.program}}, 1);
  out.gauge("mailroom_ready", "1 while the node takes and handles events.", {}, process.ready ? 1 : 0);
  out.gauge("mailroom_uptime_seconds", "Since the engine began.", {}, number(snapshot.uptime_us) * in_seconds);
  out.gauge("mailroom_telemetry_clients", "WebSocket clients.", {}, number(process.clients));
  out.counter("mailroom_journal_syncs_total", "fdatasync calls of the journal; where everything was safe already there is none.", {}, number(snapshot.syncs));
  out.histogram("mailroom_journal_sync_duration_seconds", "Time of an fdatasync of the journal.", {}, snapshot.sync_time);
  if (process.journal_bytes) out.gauge("mailroom_journal_size_bytes", "What the journal's files take on disk.", {}, number(*process.journal_bytes));

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out.counter("process_cpu_seconds_total", "User and system time of the process.", {},
              static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * in_seconds);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  if (statm >> all >> resident)
    out.gauge("process_resident_memory_bytes", "Resident memory of the process.", {},
              number(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));

  const auto labels = [](const ShardSnapshot& shard) {
    return Labels{{"stage", shard.stage}, {"shard", std::to_string(shard.shard)}};
  };
  using Member = std::uint64_t ShardSnapshot::*;
  const auto counters = [&](const char* name, const char* help, Member member) {
    for (const auto& shard : snapshot.shards) out.counter(name, help, labels(shard), number(shard.*member));
  };
  const auto gauges = [&](const char* name, const char* help, Member member) {
    for (const auto& shard : snapshot.shards) out.gauge(name, help, labels(shard), number(shard.*member));
  };
  counters("mailroom_events_handled_total", "Events taken to their end, timers that fired among them.", &ShardSnapshot::in);
  counters("mailroom_events_emitted_total", "Events emitted.", &ShardSnapshot::out);
  counters("mailroom_failures_total", "Handler calls that threw; refusals not counted.", &ShardSnapshot::failures);
  counters("mailroom_retries_total", "Events tried again.", &ShardSnapshot::retries);
  counters("mailroom_restarts_total", "Restarts of the actor by its supervisor.", &ShardSnapshot::restarts);
  counters("mailroom_dead_letters_total", "Dead letters written.", &ShardSnapshot::dead_letters);
  counters("mailroom_events_dropped_total", "Events shed by the mailbox's overflow policy.", &ShardSnapshot::dropped);
  counters("mailroom_events_unrouted_total", "Events emitted that no stage takes.", &ShardSnapshot::unrouted);
  counters("mailroom_order_violations_total", "Defects of order; anything but 0 is an alarm.", &ShardSnapshot::order_violations);
  counters("mailroom_order_breaks_total", "Events skipped because the topology says so.", &ShardSnapshot::order_breaks);
  counters("mailroom_late_events_total", "Producers' numbers that came after a higher one.", &ShardSnapshot::late);
  counters("mailroom_duplicate_events_total", "Producers' numbers that came twice.", &ShardSnapshot::duplicates);
  counters("mailroom_missing_events_total", "Producers' numbers that never came.", &ShardSnapshot::missing);
  counters("mailroom_commits_total", "Commits to the journal.", &ShardSnapshot::commits);
  gauges("mailroom_mailbox_depth", "Events in the mailbox.", &ShardSnapshot::depth);
  gauges("mailroom_mailbox_high_water", "The most that was in the mailbox at once.", &ShardSnapshot::high_water);
  gauges("mailroom_mailbox_capacity", "Events that the mailbox holds; 0: a source.", &ShardSnapshot::capacity);
  gauges("mailroom_parked_events", "Events in parking lots.", &ShardSnapshot::parked);
  gauges("mailroom_waiting_events", "Events of keys that wait for a retry.", &ShardSnapshot::waiting);
  gauges("mailroom_timers", "Timers set.", &ShardSnapshot::timers);
  gauges("mailroom_resident_keys", "States in memory.", &ShardSnapshot::keys);
  for (const auto& shard : snapshot.shards) {
    auto with_state = labels(shard);
    with_state.push_back({"state", std::string(to_string(shard.state))});
    out.gauge("mailroom_shard_state", "1 for the state that the shard is in.", std::move(with_state), 1);
  }
  for (const auto& shard : snapshot.shards)
    out.histogram("mailroom_mailbox_wait_seconds", "Time of an event in the mailbox.", labels(shard), shard.wait);
  for (const auto& shard : snapshot.shards)
    out.histogram("mailroom_handler_duration_seconds", "Time of an event in the actor.", labels(shard), shard.work);

  const auto edges = [&](const char* name, const char* help, bool rises, auto&& value, Labels more = {}) {
    for (const auto& edge : snapshot.edges) {
      Labels all_labels{{"from", edge.from}, {"to", edge.to}};
      for (const auto& label : more) all_labels.push_back(label);
      rises ? out.counter(name, help, std::move(all_labels), value(edge)) : out.gauge(name, help, std::move(all_labels), value(edge));
    }
  };
  edges("mailroom_edge_sent_total", "Events sent on the edge, shed ones too.", true, [](const auto& e) { return number(e.sent); });
  edges("mailroom_edge_processed_total", "Events of the edge taken to their end.", true, [](const auto& e) { return number(e.processed); });
  edges("mailroom_edge_dead_lettered", "Events of the edge that are dead letters; falls when one is tried again.", false,
        [](const auto& e) { return number(e.dead_lettered); });
  edges("mailroom_edge_parked", "Events of the edge in parking lots.", false, [](const auto& e) { return number(e.parked); });
  edges("mailroom_edge_in_flight", "Events of the edge under way.", false, [](const auto& e) { return number(e.in_flight); });
  for (const auto& [policy, member] : {std::pair("drop_oldest", &EdgeSnapshot::dropped_oldest), std::pair("drop_newest", &EdgeSnapshot::dropped_newest),
                                       std::pair("reject", &EdgeSnapshot::rejected)})
    edges("mailroom_edge_dropped_total", "Events shed on the edge, by policy.", true,
          [member = member](const auto& e) { return number(e.*member); }, {{"policy", policy}});
  edges("mailroom_edge_blocked", "1 while a producer stands still for lack of credit.", false, [](const auto& e) { return e.blocked ? 1.0 : 0.0; });
  edges("mailroom_edge_difference", "sent - (processed + dead-lettered + dropped + parked + in flight); at rest anything but 0 is an alarm.", false,
        [](const auto& e) { return static_cast<double>(e.difference()); });

  for (const auto& source : snapshot.sources)
    out.counter("mailroom_source_events_total", "Events read.", {{"stage", source.stage}}, number(source.events));
  for (const auto& source : snapshot.sources)
    out.counter("mailroom_source_dirty_total", "Lines that were no event.", {{"stage", source.stage}}, number(source.dirty));
  for (const auto& source : snapshot.sources)
    out.gauge("mailroom_source_position", "How far the input is read, in the unit that its label says.", {{"stage", source.stage}, {"unit", source.unit}}, number(source.done));
  for (const auto& source : snapshot.sources)
    out.gauge("mailroom_source_size", "How much input there is, in the same unit; 0: it has no known end.",
              {{"stage", source.stage}, {"unit", source.unit}}, number(source.total.value_or(0)));
  for (const auto& source : snapshot.sources)
    out.gauge("mailroom_source_ended", "1 once the input is read to its end.", {{"stage", source.stage}}, source.ended ? 1 : 0);

  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out.all());
  return text.str();
}

}  // namespace mailroom::cluster
