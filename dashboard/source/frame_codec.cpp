#include "dashboard/source/frame_codec.hpp"

#include <QCborStreamReader>
#include <QCborStreamWriter>
#include <QHash>
#include <cmath>

namespace mailroom::dashboard {

// One walk over one frame. A member that has not the type it should have is a lie: the walk ends with `why`.
class FrameReader {
 public:
  FrameReader(FrameDecoder& decoder, const QByteArray& bytes) : decoder_(decoder), reader_(bytes), size_(bytes.size()) {}

  std::variant<Frame, BadFrame> read_as(const QString& type);

 private:
  template <typename Read> void members(Read read);
  template <typename Read> void items(Read read);
  void fail(const QString& why) { if (why_.isEmpty()) why_ = why; }
  [[nodiscard]] bool good() {
    if (reader_.lastError() != QCborError::NoError) fail(QStringLiteral("damaged CBOR: %1").arg(reader_.lastError().toString()));
    return why_.isEmpty();
  }
  void skip() { if (good() && !reader_.next(32)) fail(QStringLiteral("damaged CBOR")); }
  bool null() { if (!good() || !reader_.isNull()) return false; skip(); return true; }
  QString text();
  std::int64_t number();
  bool boolean();

  Hello hello();
  std::optional<Supervision> supervision();
  StageInfo stage();
  EdgeInfo edge();
  std::vector<int> columns(const char* const* names, std::size_t count);
  Gauges gauges();
  template <typename Row, typename Set> Row row(std::optional<std::size_t> bound, const std::vector<int>& columns, Set set);
  Event event();
  Span span();
  int index(std::size_t bound);
  int stage_index();  // a stage's number or name

  FrameDecoder& decoder_;
  QCborStreamReader reader_;
  qsizetype size_;
  QString why_;
  friend class FrameDecoder;
};

template <typename Read> void FrameReader::members(Read read) {
  if (!good()) return;
  if (!reader_.isMap()) return fail(QStringLiteral("a map was expected"));
  if (!reader_.enterContainer()) return fail(QStringLiteral("damaged CBOR"));
  while (good() && reader_.hasNext()) {
    if (!reader_.isString()) { fail(QStringLiteral("a member without a text as its name")); return; }
    const QString name = text();
    if (!good()) return;
    if (!reader_.isValid()) { fail(QStringLiteral("the frame is cut short")); return; }
    read(name);
  }
  if (good() && !reader_.leaveContainer()) fail(QStringLiteral("damaged CBOR"));
}

template <typename Read> void FrameReader::items(Read read) {
  if (!good()) return;
  if (!reader_.isArray()) return fail(QStringLiteral("an array was expected"));
  if (!reader_.enterContainer()) return fail(QStringLiteral("damaged CBOR"));
  while (good() && reader_.hasNext()) read();
  if (good() && !reader_.leaveContainer()) fail(QStringLiteral("damaged CBOR"));
}

QString FrameReader::text() {
  if (null()) return {};
  if (!good()) return {};
  if (!reader_.isString()) { fail(QStringLiteral("a text was expected")); return {}; }
  QString all;
  for (;;) {
    const auto chunk_bytes = reader_.currentStringChunkSize();
    if (chunk_bytes > size_) { fail(QStringLiteral("a text longer than its frame")); return {}; }
    const auto chunk = reader_.readString();
    if (chunk.status == QCborStreamReader::EndOfString) break;
    if (chunk.status == QCborStreamReader::Error) { fail(QStringLiteral("a damaged text")); return {}; }
    if (all.size() < max_text) all += chunk.data;
  }
  if (all.size() > max_text) all.truncate(max_text);
  return all;
}

std::int64_t FrameReader::number() {
  if (null()) return unknown_value;
  if (!good()) return unknown_value;
  std::int64_t value = unknown_value;
  if (reader_.isUnsignedInteger()) {
    const auto raw = reader_.toUnsignedInteger();
    value = raw > static_cast<quint64>(max_number) ? unknown_value : static_cast<std::int64_t>(raw);
  } else if (reader_.isBool()) {
    value = reader_.toBool();
  } else if (reader_.isDouble() || reader_.isFloat() || reader_.isFloat16()) {
    const double raw = reader_.isDouble() ? reader_.toDouble() : reader_.isFloat() ? double(reader_.toFloat()) : double(float(reader_.toFloat16()));
    if (std::isfinite(raw) && raw >= 0 && raw <= static_cast<double>(max_number)) value = static_cast<std::int64_t>(raw);
  } else if (!reader_.isNegativeInteger()) {
    fail(QStringLiteral("a number was expected"));
    return unknown_value;
  }
  skip();
  return value;
}

bool FrameReader::boolean() { return number() == 1; }

int FrameReader::index(std::size_t bound) {
  const auto value = number();
  if (value < 0) return -1;
  if (static_cast<std::size_t>(value) >= bound) {
    fail(QStringLiteral("index %1, but hello named %2").arg(value).arg(bound));
    return -1;
  }
  return static_cast<int>(value);
}

int FrameReader::stage_index() {
  if (!reader_.isString()) return index(decoder_.stages_);
  const auto name = text();
  const auto found = decoder_.stage_names_.indexOf(name);
  if (found < 0) fail(QStringLiteral("stage %1, which hello did not name").arg(name));
  return static_cast<int>(found);
}

std::optional<Supervision> FrameReader::supervision() {
  if (null()) return std::nullopt;
  Supervision made;
  members([&](const QString& name) {
    if (name == u"strategy") made.strategy = text();
    else if (name == u"restarts") made.restarts = number();
    else if (name == u"within_us") made.within_us = number();
    else skip();
  });
  return made;
}

StageInfo FrameReader::stage() {
  StageInfo made;
  members([&](const QString& name) {
    if (name == u"name") made.name = text();
    else if (name == u"type") made.type = text();
    else if (name == u"overflow") made.overflow = text();
    else if (name == u"ordering") made.ordering = text();
    else if (name == u"kind") {
      const auto kind = text();
      made.kind = kind == u"source" ? StageKind::source : kind == u"actor" ? StageKind::actor : kind == u"workers" ? StageKind::workers
                : kind == u"sink" ? StageKind::sink : StageKind::unknown;
    } else if (name == u"shards") made.shards = number();
    else if (name == u"capacity") made.capacity = number();
    else if (name == u"deadline_us") made.deadline_us = number();
    else if (name == u"supervision") made.supervision = supervision();
    else if (name == u"failure") {
      if (!null()) members([&](const QString& member) {
        if (member == u"retries") made.retries = number();
        else if (member == u"then") made.then = text();
        else skip();
      });
    } else if (name == u"watch_order") {
      if (!null()) members([&](const QString& member) {
        if (member == u"sequence") made.watched_field = text();
        else if (member == u"grace_us") made.grace_us = number();
        else skip();
      });
    } else skip();
  });
  return made;
}

std::vector<int> FrameReader::columns(const char* const* names, std::size_t count) {
  std::vector<int> made;
  items([&] {
    const auto name = text();
    int column = -1;
    for (std::size_t at = 0; at < count; ++at)
      if (name == QLatin1String(names[at])) column = static_cast<int>(at);
    if (made.size() < 256) made.push_back(column);
    else fail(QStringLiteral("more than 256 columns"));
  });
  return made;
}

Hello FrameReader::hello() {
  Hello made;
  std::int64_t protocol = unknown_value;
  std::vector<int> shard_order, edge_order, source_order;
  std::vector<std::pair<QString, QString>> ends;  // an edge may come before the stages it names
  std::vector<QString> shard_stages;
  members([&](const QString& name) {
    if (name == u"protocol") protocol = number();
    else if (name == u"program") made.program = text();
    else if (name == u"node") made.node = text();
    else if (name == u"topology") made.topology = text();
    else if (name == u"role") made.role = text();
    else if (name == u"durable") made.durable = boolean();
    else if (name == u"started_us") made.started_us = number();
    else if (name == u"wall_us") made.wall_us = number();
    else if (name == u"rate_hz") made.rate_hz = static_cast<double>(number());
    else if (name == u"trace_one_in") made.trace_one_in = number();
    else if (name == u"supervision") made.supervision = supervision();
    else if (name == u"stages") items([&] {
      if (made.stages.size() >= max_stages) return fail(QStringLiteral("more than %1 stages").arg(max_stages));
      made.stages.push_back(stage());
    });
    else if (name == u"shards") items([&] {
      if (made.shards.size() >= max_shards) return fail(QStringLiteral("more than %1 shards").arg(max_shards));
      ShardName shard;
      int at = 0;
      QString stage_name;
      items([&] {
        if (at == 0) {
          if (reader_.isString()) stage_name = text();
          else shard.stage = static_cast<int>(std::min<std::int64_t>(number(), std::numeric_limits<int>::max()));
        } else if (at == 1) shard.number = number();
        else skip();
        ++at;
      });
      made.shards.push_back(shard);
      shard_stages.push_back(stage_name);
    });
    else if (name == u"edges") items([&] {
      if (made.edges.size() >= max_edges) return fail(QStringLiteral("more than %1 edges").arg(max_edges));
      EdgeInfo edge;
      QString from, to;
      const auto end = [&](QString& text_end, int& index_end) {
        if (reader_.isString()) text_end = text();
        else index_end = static_cast<int>(std::min<std::int64_t>(number(), std::numeric_limits<int>::max()));
      };
      members([&](const QString& member) {
        if (member == u"from") end(from, edge.from);
        else if (member == u"to") end(to, edge.to);
        else if (member == u"feedback") edge.feedback = boolean();
        else if (member == u"events") items([&] { if (edge.events.size() < 256) edge.events.push_back(text()); else skip(); });
        else skip();
      });
      made.edges.push_back(edge);
      ends.emplace_back(from, to);
    });
    else if (name == u"shard_columns") shard_order = columns(shard_column_names.data(), shard_column_names.size());
    else if (name == u"edge_columns") edge_order = columns(edge_column_names.data(), edge_column_names.size());
    else if (name == u"source_columns") source_order = columns(source_column_names.data(), source_column_names.size());
    else skip();
  });
  if (!why_.isEmpty()) return made;
  if (protocol != 1) { fail(QStringLiteral("protocol %1; this program speaks 1").arg(protocol)); return made; }

  QHash<QString, int> by_name;
  for (const auto& stage : made.stages) {
    if (stage.name.isEmpty()) { fail(QStringLiteral("a stage without a name")); return made; }
    by_name.insert(stage.name, static_cast<int>(by_name.size()));
  }
  if (by_name.size() != static_cast<qsizetype>(made.stages.size())) { fail(QStringLiteral("two stages with one name")); return made; }
  const auto count = static_cast<int>(made.stages.size());
  for (std::size_t at = 0; at < made.shards.size(); ++at) {
    auto& shard = made.shards[at];
    if (!shard_stages[at].isEmpty()) shard.stage = by_name.value(shard_stages[at], -1);
    if (shard.stage < 0 || shard.stage >= count) { fail(QStringLiteral("a shard of a stage that hello does not name")); return made; }
  }
  for (std::size_t at = 0; at < made.edges.size(); ++at) {
    auto& edge = made.edges[at];
    if (!ends[at].first.isEmpty()) edge.from = by_name.value(ends[at].first, -1);
    if (!ends[at].second.isEmpty()) edge.to = by_name.value(ends[at].second, -1);
    if (edge.from < 0 || edge.from >= count || edge.to < 0 || edge.to >= count) {
      fail(QStringLiteral("an edge of a stage that hello does not name"));
      return made;
    }
  }
  decoder_.greeted_ = true;
  decoder_.stage_names_.clear();
  for (const auto& stage : made.stages) decoder_.stage_names_.push_back(stage.name);
  decoder_.stages_ = made.stages.size();
  decoder_.shards_ = made.shards.size();
  decoder_.edges_ = made.edges.size();
  decoder_.shard_columns_ = std::move(shard_order);
  decoder_.edge_columns_ = std::move(edge_order);
  decoder_.source_columns_ = std::move(source_order);
  return made;
}

// Without a bound the row is a stage's.
template <typename Row, typename Set> Row FrameReader::row(std::optional<std::size_t> bound, const std::vector<int>& columns, Set set) {
  Row made;
  std::size_t at = 0;
  items([&] {
    if (at == 0) set(made, -1, bound ? index(*bound) : stage_index());
    else if (at <= columns.size() && columns[at - 1] >= 0) set(made, columns[at - 1], 0);
    else skip();
    ++at;
  });
  return made;
}

Gauges FrameReader::gauges() {
  Gauges made;
  members([&](const QString& name) {
    if (name == u"frame") made.frame = number();
    else if (name == u"wall_us") made.wall_us = number();
    else if (name == u"uptime_us") made.uptime_us = number();
    else if (name == u"full") made.full = boolean();
    else if (name == u"commits") made.commits = number();
    else if (name == u"syncs") made.syncs = number();
    else if (name == u"sync_p99_us") made.sync_p99_us = number();
    else if (name == u"cpu_us") made.cpu_us = number();
    else if (name == u"rss_bytes") made.rss_bytes = number();
    else if (name == u"clients") made.clients = number();
    else if (name == u"letters_forgotten") made.letters_forgotten = number();
    else if (name == u"shards") items([&] {
      auto shard = row<ShardRow>(decoder_.shards_, decoder_.shard_columns_, [&](ShardRow& to, int column, int found) {
        if (column < 0) to.index = found;
        else if (column == static_cast<int>(ShardColumn::busy_with)) to.busy_with = text();
        else to.values[static_cast<std::size_t>(column)] = number();
      });
      if (!good()) return;
      if (shard.index < 0) return fail(QStringLiteral("a row without a shard"));
      if (made.shards.size() >= max_shards) return fail(QStringLiteral("more rows than shards"));
      made.shards.push_back(std::move(shard));
    });
    else if (name == u"edges") items([&] {
      auto edge = row<EdgeRow>(decoder_.edges_, decoder_.edge_columns_, [&](EdgeRow& to, int column, int found) {
        if (column < 0) to.index = found;
        else to.values[static_cast<std::size_t>(column)] = number();
      });
      if (!good()) return;
      if (edge.index < 0) return fail(QStringLiteral("a row without an edge"));
      if (made.edges.size() >= max_edges) return fail(QStringLiteral("more rows than edges"));
      made.edges.push_back(edge);
    });
    else if (name == u"sources") items([&] {
      auto source = row<SourceRow>(std::nullopt, decoder_.source_columns_, [&](SourceRow& to, int column, int found) {
        if (column < 0) to.stage = found;
        else to.values[static_cast<std::size_t>(column)] = number();
      });
      if (!good()) return;
      if (source.stage < 0) return fail(QStringLiteral("a row without a source"));
      if (made.sources.size() >= max_stages) return fail(QStringLiteral("more rows than sources"));
      made.sources.push_back(source);
    });
    else skip();
  });
  if (made.wall_us < 0) fail(QStringLiteral("gauges without wall_us"));
  return made;
}

Event FrameReader::event() {
  Event made;
  members([&](const QString& name) {
    if (name == u"id") made.id = number();
    else if (name == u"at_us") made.at_us = number();
    else if (name == u"kind") {
      const auto kind = text();
      for (std::size_t at = 0; at < event_kind_names.size(); ++at)
        if (kind == QLatin1String(event_kind_names[at])) made.kind = static_cast<EventKind>(at);
    } else if (name == u"shard") made.shard = index(decoder_.shards_);
    else if (name == u"from") made.from = index(decoder_.shards_);
    else if (name == u"stage") made.stage = stage_index();
    else if (name == u"key") made.key = text();
    else if (name == u"event") made.event = text();
    else if (name == u"trace") made.trace = text();
    else if (name == u"text") made.text = text();
    else if (name == u"letter") made.letter = text();
    else if (name == u"reason_kind") made.reason_kind = text();
    else if (name == u"sequence") made.sequence = number();
    else if (name == u"attempt") made.attempt = number();
    else if (name == u"highest") made.highest = number();
    else if (name == u"first") made.first = number();
    else if (name == u"last") made.last = number();
    else if (name == u"gap") made.gap = number();
    else if (name == u"left") made.left = number();
    else if (name == u"count") made.count = number();
    else if (name == u"belonged_us") made.belonged_us = number();
    else if (name == u"first_us") made.first_us = number();
    else if (name == u"delay_us") made.delay_us = number();
    else skip();
  });
  if (made.at_us < 0) fail(QStringLiteral("an event without at_us"));
  return made;
}

Span FrameReader::span() {
  Span made;
  members([&](const QString& name) {
    if (name == u"trace") made.trace = text();
    else if (name == u"event") made.event = text();
    else if (name == u"key") made.key = text();
    else if (name == u"text") made.text = text();
    else if (name == u"shard") made.shard = index(decoder_.shards_);
    else if (name == u"from") made.from = index(decoder_.shards_);
    else if (name == u"sequence") made.sequence = number();
    else if (name == u"attempt") made.attempt = number();
    else if (name == u"entered_us") made.entered_us = number();
    else if (name == u"started_us") made.started_us = number();
    else if (name == u"ended_us") made.ended_us = number();
    else if (name == u"outcome") {
      const auto outcome = text();
      for (std::size_t at = 0; at < outcome_names.size(); ++at)
        if (outcome == QLatin1String(outcome_names[at])) made.outcome = static_cast<Outcome>(at);
    } else skip();
  });
  return made;
}

std::variant<Frame, BadFrame> FrameReader::read_as(const QString& type) {
  Frame made;
  if (type == u"hello") made = hello();
  else if (type == u"gauges") made = gauges();
  else if (type == u"events") {
    EventList list;
    members([&](const QString& name) {
      if (name == u"dropped") list.dropped = std::max<std::int64_t>(0, number());
      else if (name == u"events") items([&] {
        if (list.events.size() >= max_listed) return fail(QStringLiteral("more than %1 events in a frame").arg(max_listed));
        list.events.push_back(event());
      });
      else skip();
    });
    made = std::move(list);
  } else if (type == u"spans") {
    SpanList list;
    members([&](const QString& name) {
      if (name == u"dropped") list.dropped = std::max<std::int64_t>(0, number());
      else if (name == u"spans") items([&] {
        if (list.spans.size() >= max_listed) return fail(QStringLiteral("more than %1 spans in a frame").arg(max_listed));
        list.spans.push_back(span());
      });
      else skip();
    });
    made = std::move(list);
  }
  if (!good()) return BadFrame{why_};
  return made;
}

std::variant<Frame, BadFrame> FrameDecoder::decode(const QByteArray& bytes) {
  if (bytes.size() > max_frame_bytes)
    return BadFrame{QStringLiteral("a frame of %1 bytes; at most %2 are read").arg(bytes.size()).arg(max_frame_bytes)};
  // Members may come in any order, `type` too: it is looked for first (it stands in front, as a rule), then the map is walked by it.
  FrameReader first(*this, bytes);
  if (!first.reader_.isMap()) return BadFrame{QStringLiteral("no CBOR map")};
  QString type;
  bool found = false;
  if (first.reader_.enterContainer())
    while (!found && first.good() && first.reader_.hasNext()) {
      if (!first.reader_.isString()) { first.fail(QStringLiteral("a member without a text as its name")); break; }
      const auto name = first.text();
      if (!first.good()) break;
      if (name == u"type" && first.reader_.isString()) { type = first.text(); found = true; }
      else first.skip();
    }
  if (!first.good()) return BadFrame{first.why_};
  if (!found) return BadFrame{QStringLiteral("a frame without a type")};
  if (type != u"hello" && !greeted_) return BadFrame{QStringLiteral("a frame before hello")};
  return FrameReader(*this, bytes).read_as(type);
}

// --- encoding ---

namespace {

class Writer {
 public:
  explicit Writer(QByteArray& to) : out_(&to) {}
  void map() { out_.startMap(); }
  void array(std::size_t count) { out_.startArray(count); }
  void end_map() { out_.endMap(); }
  void end_array() { out_.endArray(); }
  void name(const char* text) { out_.append(QLatin1String(text)); }
  void number(std::int64_t value) { if (value < 0) out_.append(nullptr); else out_.append(static_cast<quint64>(value)); }
  void text(const QString& value) { if (value.isNull()) out_.append(nullptr); else out_.append(value); }
  void member(const char* key, std::int64_t value) { name(key); number(value); }
  void member(const char* key, const QString& value) { name(key); text(value); }
  void member(const char* key, const char* value) { name(key); out_.append(QLatin1String(value)); }
  void flag(const char* key, bool value) { name(key); out_.append(value); }
  void flag(bool value) { out_.append(value); }
  void known(const char* key, std::int64_t value) { if (value >= 0) member(key, value); }
  void known(const char* key, const QString& value) { if (!value.isEmpty()) member(key, value); }
  void supervision(const char* key, const std::optional<Supervision>& value) {
    name(key);
    if (!value) { out_.append(nullptr); return; }
    map();
    member("strategy", value->strategy);
    member("restarts", value->restarts);
    member("within_us", value->within_us);
    end_map();
  }

 private:
  QCborStreamWriter out_;
};

}  // namespace

QByteArray encode(const Hello& hello) {
  QByteArray bytes;
  Writer out(bytes);
  out.map();
  out.member("type", "hello");
  out.member("protocol", 1);
  out.member("program", hello.program);
  out.member("node", hello.node);
  out.member("topology", hello.topology);
  out.flag("durable", hello.durable);
  out.member("started_us", hello.started_us);
  out.member("wall_us", hello.wall_us);
  out.member("rate_hz", static_cast<std::int64_t>(hello.rate_hz));
  out.member("role", hello.role);
  out.known("trace_one_in", hello.trace_one_in);
  out.supervision("supervision", hello.supervision);
  out.name("stages");
  out.array(hello.stages.size());
  for (const auto& stage : hello.stages) {
    out.map();
    out.member("name", stage.name);
    constexpr const char* kinds[] = {"source", "actor", "workers", "sink", "unknown"};
    out.member("kind", kinds[static_cast<std::size_t>(stage.kind)]);
    out.member("type", stage.type);
    out.member("shards", stage.shards);
    out.member("capacity", stage.capacity);
    out.member("overflow", stage.overflow);
    out.member("ordering", stage.ordering);
    out.supervision("supervision", stage.supervision);
    out.name("failure");
    if (stage.retries < 0 && stage.then.isEmpty()) out.text({});
    else {
      out.map();
      out.member("retries", stage.retries);
      out.member("then", stage.then);
      out.end_map();
    }
    out.member("deadline_us", stage.deadline_us);
    out.name("watch_order");
    if (stage.watched_field.isEmpty()) out.text({});
    else {
      out.map();
      out.member("sequence", stage.watched_field);
      out.member("grace_us", stage.grace_us);
      out.end_map();
    }
    out.end_map();
  }
  out.end_array();
  out.name("shards");
  out.array(hello.shards.size());
  for (const auto& shard : hello.shards) {
    out.array(2);
    out.number(shard.stage);
    out.number(shard.number);
    out.end_array();
  }
  out.end_array();
  out.name("edges");
  out.array(hello.edges.size());
  for (const auto& edge : hello.edges) {
    out.map();
    out.member("from", edge.from);
    out.member("to", edge.to);
    out.name("events");
    out.array(static_cast<std::size_t>(edge.events.size()));
    for (const auto& event : edge.events) out.text(event);
    out.end_array();
    out.flag("feedback", edge.feedback);
    out.end_map();
  }
  out.end_array();
  const auto names = [&](const char* key, const auto& list) {
    out.name(key);
    out.array(list.size());
    for (const char* each : list) out.name(each);
    out.end_array();
  };
  names("shard_columns", shard_column_names);
  names("edge_columns", edge_column_names);
  names("source_columns", source_column_names);
  out.end_map();
  return bytes;
}

QByteArray encode(const Gauges& gauges) {
  QByteArray bytes;
  bytes.reserve(static_cast<qsizetype>(256 + gauges.shards.size() * 64 + gauges.edges.size() * 48));
  Writer out(bytes);
  out.map();
  out.member("type", "gauges");
  out.member("frame", gauges.frame);
  out.member("wall_us", gauges.wall_us);
  out.member("uptime_us", gauges.uptime_us);
  out.flag("full", gauges.full);
  out.member("commits", gauges.commits);
  out.member("syncs", gauges.syncs);
  out.member("sync_p99_us", gauges.sync_p99_us);
  out.member("cpu_us", gauges.cpu_us);
  out.member("rss_bytes", gauges.rss_bytes);
  out.member("clients", gauges.clients);
  out.member("letters_forgotten", gauges.letters_forgotten);
  out.name("shards");
  out.array(gauges.shards.size());
  for (const auto& row : gauges.shards) {
    out.array(shard_columns + 2);
    out.number(row.index);
    for (const auto value : row.values) out.number(value);
    out.text(row.busy_with.isEmpty() ? QString() : row.busy_with);
    out.end_array();
  }
  out.end_array();
  out.name("edges");
  out.array(gauges.edges.size());
  for (const auto& row : gauges.edges) {
    out.array(edge_columns + 1);
    out.number(row.index);
    for (std::size_t at = 0; at + 1 < edge_columns; ++at) out.number(row.values[at]);
    if (row[EdgeColumn::blocked] < 0) out.number(unknown_value);
    else out.flag(row[EdgeColumn::blocked] == 1);
    out.end_array();
  }
  out.end_array();
  out.name("sources");
  out.array(gauges.sources.size());
  for (const auto& row : gauges.sources) {
    out.array(source_columns + 1);
    out.number(row.stage);
    for (std::size_t at = 0; at + 1 < source_columns; ++at) out.number(row.values[at]);
    if (row[SourceColumn::ended] < 0) out.number(unknown_value);
    else out.flag(row[SourceColumn::ended] == 1);
    out.end_array();
  }
  out.end_array();
  out.end_map();
  return bytes;
}

QByteArray encode(const EventList& list) {
  QByteArray bytes;
  Writer out(bytes);
  out.map();
  out.member("type", "events");
  out.member("dropped", list.dropped);
  out.name("events");
  out.array(list.events.size());
  for (const auto& event : list.events) {
    out.map();
    out.member("id", event.id);
    out.member("at_us", event.at_us);
    out.member("kind", event.kind == EventKind::other ? "other" : event_kind_names[static_cast<std::size_t>(event.kind)]);
    out.known("shard", event.shard);
    out.known("from", event.from);
    out.known("stage", event.stage);
    out.known("key", event.key);
    out.known("event", event.event);
    out.known("trace", event.trace);
    out.known("text", event.text);
    out.known("letter", event.letter);
    out.known("reason_kind", event.reason_kind);
    out.known("sequence", event.sequence);
    out.known("attempt", event.attempt);
    out.known("highest", event.highest);
    out.known("first", event.first);
    out.known("last", event.last);
    out.known("gap", event.gap);
    out.known("left", event.left);
    out.known("count", event.count);
    out.known("belonged_us", event.belonged_us);
    out.known("first_us", event.first_us);
    out.known("delay_us", event.delay_us);
    out.end_map();
  }
  out.end_array();
  out.end_map();
  return bytes;
}

QByteArray encode(const SpanList& list) {
  QByteArray bytes;
  Writer out(bytes);
  out.map();
  out.member("type", "spans");
  out.member("dropped", list.dropped);
  out.name("spans");
  out.array(list.spans.size());
  for (const auto& span : list.spans) {
    out.map();
    out.member("trace", span.trace);
    out.known("event", span.event);
    out.known("key", span.key);
    out.known("text", span.text);
    out.known("shard", span.shard);
    out.known("from", span.from);
    out.known("sequence", span.sequence);
    out.known("attempt", span.attempt);
    out.known("entered_us", span.entered_us);
    out.known("started_us", span.started_us);
    out.known("ended_us", span.ended_us);
    if (span.outcome != Outcome::unknown) out.member("outcome", outcome_names[static_cast<std::size_t>(span.outcome)]);
    out.end_map();
  }
  out.end_array();
  out.end_map();
  return bytes;
}

}  // namespace mailroom::dashboard
