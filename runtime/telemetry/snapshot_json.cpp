#include "runtime/telemetry/snapshot_json.hpp"

#include <concepts>
#include <cstdint>
#include <fmt/format.h>
#include <limits>

#include <mailroom/errors.hpp>

#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {
namespace {

using nlohmann::json;

// The fields and their names, in one place for both directions.
template <class Shard, class Visit>
void shard_fields(Shard& s, Visit&& field) {
  field("stage", s.stage);
  field("shard", s.shard);
  field("state", s.state);
  field("depth", s.depth);
  field("high_water", s.high_water);
  field("capacity", s.capacity);
  field("in", s.in);
  field("out", s.out);
  field("failures", s.failures);
  field("retries", s.retries);
  field("restarts", s.restarts);
  field("dead_letters", s.dead_letters);
  field("dropped", s.dropped);
  field("parked", s.parked);
  field("waiting", s.waiting);
  field("timers", s.timers);
  field("unrouted", s.unrouted);
  field("order_violations", s.order_violations);
  field("order_breaks", s.order_breaks);
  field("late", s.late);
  field("duplicates", s.duplicates);
  field("missing", s.missing);
  field("commits", s.commits);
  field("keys", s.keys);
  field("wait", s.wait);
  field("work", s.work);
}

template <class Edge, class Visit>
void edge_fields(Edge& e, Visit&& field) {
  field("from", e.from);
  field("to", e.to);
  field("sent", e.sent);
  field("processed", e.processed);
  field("dead_lettered", e.dead_lettered);
  field("parked", e.parked);
  field("in_flight", e.in_flight);
  field("dropped_oldest", e.dropped_oldest);
  field("dropped_newest", e.dropped_newest);
  field("rejected", e.rejected);
}

template <class Source, class Visit>
void source_fields(Source& s, Visit&& field) {
  field("stage", s.stage);
  field("events", s.events);
  field("dirty", s.dirty);
  field("done", s.done);
  field("total", s.total);
  field("unit", s.unit);
  field("ended", s.ended);
}

template <class Snapshot, class Visit>
void node_fields(Snapshot& s, Visit&& field) {
  field("topology", s.topology);
  field("node", s.node);
  field("durable", s.durable);
  field("wall_us", s.wall_us);
  field("uptime_us", s.uptime_us);
  field("commits", s.commits);
  field("syncs", s.syncs);
  field("sync_time", s.sync_time);
}

// --- to JSON ---

template <class T>
json value_json(const T& value) {
  return value;
}
template <class T>
json value_json(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}
json value_json(const ShardState& state) { return std::string(to_string(state)); }
json value_json(const HistogramSnapshot& histogram) {
  auto buckets = json::array();
  for (std::size_t i = 0; i < HistogramSnapshot::buckets; ++i)
    if (histogram.counts[i] > 0) buckets.push_back({Histogram::upper_bound_us(i), histogram.counts[i]});
  return {{"p50_us", value_json(histogram.quantile_us(0.5))},
          {"p99_us", value_json(histogram.quantile_us(0.99))},
          {"buckets", std::move(buckets)}};
}

struct Write {
  json& object;
  template <class T>
  void operator()(const char* name, const T& value) const {
    object[name] = value_json(value);
  }
};

// --- from JSON ---

[[noreturn]] void refuse(const std::string& path, const json& found, const std::string& expected) {
  auto text = found.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text = std::string("a JSON ") + found.type_name();
  throw BadValue(fmt::format("telemetry: {} is {}; expected {}", path, text, expected));
}

template <std::unsigned_integral T>
void read_value(const json& from, const std::string& path, T& value) {
  constexpr auto most = std::numeric_limits<T>::max();
  const bool whole = from.is_number_unsigned() || (from.is_number_integer() && from.get<std::int64_t>() >= 0);
  if (!whole || from.get<std::uint64_t>() > most) refuse(path, from, fmt::format("a whole number from 0 to {}", most));
  value = from.get<T>();
}
void read_value(const json& from, const std::string& path, std::int64_t& value) {
  if (!from.is_number_integer() || (from.is_number_unsigned() && from.get<std::uint64_t>() > INT64_MAX))
    refuse(path, from, "a whole number of 64 bits");
  value = from.get<std::int64_t>();
}
void read_value(const json& from, const std::string& path, bool& value) {
  if (!from.is_boolean()) refuse(path, from, "true or false");
  value = from.get<bool>();
}
void read_value(const json& from, const std::string& path, std::string& value) {
  if (!from.is_string()) refuse(path, from, "a text");
  value = from.get<std::string>();
}
void read_value(const json& from, const std::string& path, std::optional<std::uint64_t>& value) {
  value.reset();
  if (!from.is_null()) read_value(from, path, value.emplace());
}
void read_value(const json& from, const std::string& path, ShardState& value) {
  std::string name, names;
  read_value(from, path, name);
  for (auto i = 0; i <= static_cast<int>(ShardState::paused); ++i) {
    value = static_cast<ShardState>(i);
    if (name == to_string(value)) return;
    names += (i == 0 ? "" : ", ") + std::string(to_string(value));
  }
  refuse(path, from, "one of " + names);
}

const json& member(const json& object, const std::string& path, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw BadValue(fmt::format("telemetry: {}{} is missing", path, name));
  return *found;
}

void read_value(const json& from, const std::string& path, HistogramSnapshot& value) {
  if (!from.is_object()) refuse(path, from, "an object with \"buckets\"");
  const auto& buckets = member(from, path + ".", "buckets");
  const auto where = path + ".buckets";
  if (!buckets.is_array()) refuse(where, buckets, "a list of [upper bound in us, count]");
  value = {};
  for (const auto& pair : buckets) {
    if (!pair.is_array() || pair.size() != 2) refuse(where, pair, "[upper bound in us, count]");
    std::uint64_t bound = 0, count = 0;
    read_value(pair[0], where, bound);
    read_value(pair[1], where, count);
    const auto bucket = Histogram::bucket(bound);
    if (Histogram::upper_bound_us(bucket) != bound)
      refuse(where, pair[0], fmt::format("the upper bound of a bucket, as {}", Histogram::upper_bound_us(bucket)));
    value.counts[bucket] += count;
  }
}

struct Read {
  const json& object;
  std::string path;  // with its '.'
  template <class T>
  void operator()(const char* name, T& value) const {
    read_value(member(object, path, name), path + name, value);
  }
};

// Reads the list `name` of `from`; `one` reads an element from the Read that it is given.
template <class T, class One>
void read_list(const json& from, const char* name, std::vector<T>& list, One one) {
  const auto& array = member(from, "", name);
  if (!array.is_array()) refuse(name, array, "a list");
  list.resize(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) {
    const auto path = fmt::format("{}[{}]", name, i);
    if (!array[i].is_object()) refuse(path, array[i], "an object");
    one(list[i], Read{array[i], path + "."});
  }
}

}  // namespace

json to_json(const TelemetrySnapshot& snapshot) {
  auto all = json::object();
  node_fields(snapshot, Write{all});
  auto& shards = all["shards"] = json::array();
  for (const auto& shard : snapshot.shards) {
    auto object = json::object();
    shard_fields(shard, Write{object});
    object["busy_with"] = shard.busy_with.empty() ? json(nullptr) : json(shard.busy_with);
    shards.push_back(std::move(object));
  }
  auto& edges = all["edges"] = json::array();
  for (const auto& edge : snapshot.edges) {
    auto object = json::object();
    edge_fields(edge, Write{object});
    object["difference"] = edge.difference();
    edges.push_back(std::move(object));
  }
  auto& sources = all["sources"] = json::array();
  for (const auto& source : snapshot.sources) {
    auto object = json::object();
    source_fields(source, Write{object});
    sources.push_back(std::move(object));
  }
  return all;
}

TelemetrySnapshot from_json(const json& document) {
  if (!document.is_object()) refuse("the document", document, "an object");
  TelemetrySnapshot snapshot;
  node_fields(snapshot, Read{document, ""});
  read_list(document, "shards", snapshot.shards, [](ShardSnapshot& shard, const Read& read) {
    shard_fields(shard, read);
    if (const auto& busy = member(read.object, read.path, "busy_with"); !busy.is_null())
      read_value(busy, read.path + "busy_with", shard.busy_with);
  });
  read_list(document, "edges", snapshot.edges, [](EdgeSnapshot& edge, const Read& read) { edge_fields(edge, read); });
  read_list(document, "sources", snapshot.sources,
            [](SourceSnapshot& source, const Read& read) { source_fields(source, read); });
  return snapshot;
}

}  // namespace mailroom::runtime
