#include <mailroom/sources/generator.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include <mailroom/errors.hpp>
#include <mailroom/json.hpp>
#include <mailroom/nearest_name.hpp>
#include <mailroom/saved_position.hpp>

namespace mailroom {
namespace {

using nlohmann::json;

// splitmix64's finaliser: every bit of the result depends on every bit of x.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}
// In [0, 1).
double fraction(std::uint64_t random) noexcept { return static_cast<double>(random >> 11) * 0x1.0p-53; }
// In [0, below); below 0: all 64 bits.
std::uint64_t below(std::uint64_t random, std::uint64_t limit) noexcept {
  __extension__ using Wide = unsigned __int128;
  return limit == 0 ? random : static_cast<std::uint64_t>((Wide{random} * limit) >> 64);
}

constexpr const char* spec_kinds = "sequence, uniform, zipf, choice, text, time, constant";

// Makes one field of event after event.
class FieldMaker {
 public:
  // `kind` null: the event is not known yet, and only the spec's own form is checked.
  FieldMaker(std::string name, const json& spec, const FieldKind* kind) : name_(std::move(name)) {
    if (!spec.is_object()) {
      constant(spec, kind);
      return;
    }
    std::string found;
    for (const auto& [member, value] : spec.items()) {
      if (member == "prefix") {
        prefix_ = text_of(value, "prefix");
        continue;
      }
      if (!found.empty()) refuse(fmt::format("expected one of {}, found both \"{}\" and \"{}\"", spec_kinds, found, member));
      found = member;
      read(member, value, kind);
    }
    if (found.empty()) refuse(fmt::format("expected one of {}, found none of them", spec_kinds));
    if (prefix_.empty()) return;
    if (what_ != What::sequence && what_ != What::uniform && what_ != What::zipf) refuse("\"prefix\": expected with sequence, uniform or zipf only");
    if (kind != nullptr && *kind != FieldKind::text) refuse("\"prefix\": expected in text fields only");
  }

  // Appends the field's text.
  void make(std::uint64_t number, std::uint64_t random, std::string& out) const {
    out += prefix_;
    switch (what_) {
      case What::sequence: integer(first_ + static_cast<std::int64_t>(number), out); break;
      case What::uniform:
        if (as_money_) out += Money{first_ + static_cast<std::int64_t>(below(random, span_))}.to_string();
        else if (as_integer_) integer(static_cast<std::int64_t>(static_cast<std::uint64_t>(first_) + below(random, span_)), out);
        else real(low_ + fraction(random) * (high_ - low_), out);
        break;
      case What::zipf: {
        const auto rank = std::upper_bound(cumulated_.begin(), cumulated_.end(), fraction(random) * cumulated_.back()) - cumulated_.begin();
        integer(std::min<std::int64_t>(rank, static_cast<std::int64_t>(cumulated_.size()) - 1) + 1, out);
        break;
      }
      case What::choice: out += texts_[below(random, texts_.size())]; break;
      case What::text:
        for (std::int64_t i = 0; i < first_; ++i) {
          if (i % 12 == 0) random = mix(random);
          out += "abcdefghijklmnopqrstuvwxyz012345"[random & 31];
          random >>= 5;
        }
        break;
      case What::time: out += Timestamp{first_ + static_cast<std::int64_t>(number) * step_}.to_string(); break;
    }
  }
  // A value that has no text form: a list, a map, an object. Null if it has one.
  [[nodiscard]] const json* structured(std::uint64_t random) const {
    if (what_ != What::choice) return nullptr;
    const auto& value = values_[below(random, values_.size())];
    return value.is_structured() ? &value : nullptr;
  }
  [[nodiscard]] bool absent(std::uint64_t random) const { return what_ == What::choice && values_[below(random, values_.size())].is_null(); }

 private:
  enum class What : std::uint8_t { sequence, uniform, zipf, choice, text, time };

  [[noreturn]] void refuse(const std::string& what) const { throw BadValue(fmt::format("field \"fields.{}\": {}", name_, what)); }
  [[noreturn]] void refuse(const std::string& member, const char* expected, const json& found) const {
    refuse_json("fields." + name_ + (member.empty() ? "" : "." + member), expected, found);
  }
  std::string text_of(const json& value, const std::string& member) const {
    if (!value.is_string()) refuse(member, "text", value);
    return value.get<std::string>();
  }
  std::int64_t whole(const json& value, const std::string& member, const char* expected, std::int64_t least, std::int64_t most) const {
    std::int64_t number = 0;
    try {
      value_from_json(value, number, "");
    } catch (const BadValue&) {
      refuse(member, expected, value);
    }
    if (number < least || number > most) refuse(member, expected, value);
    return number;
  }

  void read(const std::string& member, const json& value, const FieldKind* kind) {
    if (member == "sequence") {
      what_ = What::sequence;
      constexpr auto far = std::int64_t{1} << 61;
      first_ = value == json(true) ? 1 : whole(value, member, "true, or the first number", -far, far);
    } else if (member == "uniform") {
      uniform(value, kind);
    } else if (member == "zipf") {
      what_ = What::zipf;
      if (!value.is_object()) refuse(member, "an object such as {\"n\": 10000, \"s\": 1.1}", value);
      refuse_unknown_members(value, "fields." + name_ + ".zipf", {"n", "s"});
      const auto n = whole(value.value("n", json(nullptr)), "zipf.n", "an integer from 1 to 1000000", 1, 1'000'000);
      const auto s = value.value("s", json(1.0));
      if (!s.is_number() || s.get<double>() < 0 || s.get<double>() > 20) refuse("zipf.s", "a number from 0 to 20", s);
      cumulated_.resize(static_cast<std::size_t>(n));
      double sum = 0;
      for (std::int64_t k = 1; k <= n; ++k) cumulated_[static_cast<std::size_t>(k - 1)] = sum += std::pow(static_cast<double>(k), -s.get<double>());
    } else if (member == "choice") {
      if (!value.is_array() || value.empty()) refuse(member, "a list of at least one value", value);
      for (const auto& one : value) constant(one, kind);
    } else if (member == "constant") {
      constant(value, kind);
    } else if (member == "text") {
      what_ = What::text;
      first_ = whole(value, member, "a length from 0 to 65536", 0, 65536);
    } else if (member == "time") {
      what_ = What::time;
      if (!value.is_object()) refuse(member, "an object such as {\"start\": \"2020-01-01\", \"step\": \"10ms\"}", value);
      refuse_unknown_members(value, "fields." + name_ + ".time", {"start", "step"});
      Timestamp start;
      std::chrono::microseconds step{};
      value_from_json(value.value("start", json("1970-01-01")), start, "fields." + name_ + ".time.start");
      value_from_json(value.value("step", json("0us")), step, "fields." + name_ + ".time.step");
      first_ = start.micros;
      step_ = step.count();
    } else {
      const auto nearest = nearest_name(member, {"sequence", "uniform", "zipf", "choice", "text", "time", "constant", "prefix"});
      refuse(fmt::format("unknown kind \"{}\"; {}", member,
                         nearest.empty() ? fmt::format("expected one of {}", spec_kinds) : fmt::format("did you mean \"{}\"?", nearest)));
    }
  }

  void uniform(const json& value, const FieldKind* kind) {
    what_ = What::uniform;
    if (!value.is_array() || value.size() != 2) refuse("uniform", "a list of two numbers, [low, high]", value);
    as_money_ = kind != nullptr && *kind == FieldKind::money;
    as_integer_ = kind == nullptr || *kind != FieldKind::real;
    if (as_money_) {
      Money low, high;
      value_from_json(value[0], low, "fields." + name_ + ".uniform[0]");
      value_from_json(value[1], high, "fields." + name_ + ".uniform[1]");
      range(low.minor, high.minor, value);
    } else if (as_integer_ && kind != nullptr) {
      std::int64_t low = 0, high = 0;
      value_from_json(value[0], low, "fields." + name_ + ".uniform[0]");
      value_from_json(value[1], high, "fields." + name_ + ".uniform[1]");
      range(low, high, value);
    } else {
      if (!value[0].is_number() || !value[1].is_number()) {
        if (kind == nullptr) return;  // money may be written as text
        refuse("uniform", "a list of two numbers, [low, high]", value);
      }
      low_ = value[0].get<double>();
      high_ = value[1].get<double>();
      if (low_ > high_) refuse("uniform", "[low, high], low first", value);
    }
  }
  void range(std::int64_t low, std::int64_t high, const json& value) {
    if (low > high) refuse("uniform", "[low, high], low first", value);
    first_ = low;
    span_ = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  }

  void constant(const json& value, const FieldKind*) {
    what_ = What::choice;
    values_.push_back(value);
    texts_.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }

  static void integer(std::int64_t value, std::string& out) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  static void real(double value, std::string& out) {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }

  std::string name_, prefix_;
  What what_ = What::choice;
  bool as_integer_ = false, as_money_ = false;
  std::int64_t first_ = 0, step_ = 0;
  std::uint64_t span_ = 1;
  double low_ = 0, high_ = 0;
  std::vector<double> cumulated_;
  std::vector<json> values_;
  std::vector<std::string> texts_;
};

struct Plan {
  std::optional<std::uint64_t> events;
  std::uint64_t seed = 1;
  std::optional<double> rate;
  json fields = json::object();
};

Plan read_plan(const json& options) {
  if (!options.is_object()) refuse_json({}, "an object", options);
  refuse_unknown_members(options, {}, {"events", "seed", "rate", "fields"});
  Plan plan;
  if (options.contains("events")) {
    plan.events.emplace();
    value_from_json(options["events"], *plan.events, "events");
  }
  if (options.contains("seed")) value_from_json(options["seed"], plan.seed, "seed");
  if (options.contains("rate")) {
    plan.rate.emplace();
    value_from_json(options["rate"], *plan.rate, "rate");
    if (!(*plan.rate > 0) || *plan.rate > 1e12) refuse_json("rate", "events a second, more than 0", options["rate"]);
  }
  if (options.contains("fields")) plan.fields = options["fields"];
  if (!plan.fields.is_object()) refuse_json("fields", "an object: a field's name and how it is made", plan.fields);
  return plan;
}

bool is_structure(const SchemaField& field) { return field.kind == FieldKind::list || field.kind == FieldKind::map || field.kind == FieldKind::object; }

class Generator final : public Source {
 public:
  explicit Generator(const SourceSettings& settings) : event_(*settings.event), shard_(settings.shard), shards_(std::max(1u, settings.shards)) {
    const auto plan = read_plan(settings.options.is_null() ? json::object() : settings.options);
    const auto& schema = event_.schema();
    std::vector<std::string_view> known;
    for (const auto& field : schema.fields) known.emplace_back(field.name);
    refuse_unknown_members(plan.fields, fmt::format("fields ({})", event_.name()), known);
    seed_ = plan.seed;
    rate_ = plan.rate;
    if (plan.events) count_ = *plan.events / shards_ + (shard_ < *plan.events % shards_ ? 1 : 0);
    for (const auto& field : schema.fields) {
      const auto spec = plan.fields.find(field.name);
      if (spec == plan.fields.end()) {
        if (!field.optional)
          throw BadValue(fmt::format("field \"fields.{}\": missing; event {} needs it ({}): expected a constant or one of {}", field.name,
                                     event_.name(), field.type, spec_kinds));
        makers_.push_back(std::nullopt);
        continue;
      }
      makers_.emplace_back(FieldMaker(field.name, *spec, &field.kind));
      if (is_structure(field)) by_json_ = true;
    }
    spans_.resize(makers_.size());
    fields_.resize(makers_.size());
    try_one();
  }

  ReadStatus read(SourceBatch& batch, std::size_t max_events) override {
    auto end = next_ + max_events;
    auto status = ReadStatus::more;
    if (rate_) {
      const auto now = std::chrono::steady_clock::now();
      if (!begun_) {
        begun_ = now;
        first_ = next_;
      }
      const auto due = first_ + static_cast<std::uint64_t>(std::chrono::duration<double>(now - *begun_).count() * *rate_ / shards_);
      if (due < end) {
        end = due;
        status = ReadStatus::idle;
      }
    }
    if (count_ && *count_ <= end) {
      end = *count_;
      status = ReadStatus::end;
    }
    auto& column = batch.events.column(event_);
    for (; next_ < end; ++next_) {
      make(next_ * shards_ + shard_, column);
      batch.events.adopt_last(event_, {});
    }
    return status;
  }

  [[nodiscard]] json position() const override { return {{"next", next_}}; }
  void seek(const json& position) override {
    next_ = saved_number(position, "next", "generator of " + event_.name());
    begun_.reset();
  }
  [[nodiscard]] SourceProgress progress() const override { return {next_, count_, "events"}; }

 private:
  [[nodiscard]] std::uint64_t random(std::uint64_t number, std::size_t field) const noexcept {
    return mix(mix(mix(seed_) ^ number) + field);
  }

  void make(std::uint64_t number, EventColumn& column) {
    if (by_json_) return make_by_json(number, column);
    text_.clear();
    for (std::size_t i = 0; i < makers_.size(); ++i) {
      spans_[i] = text_.size();
      if (makers_[i]) makers_[i]->make(number, random(number, i), text_);
    }
    // Only now: the text moves while it grows.
    const std::string_view all(text_);
    for (std::size_t i = 0; i < makers_.size(); ++i) {
      const auto end = i + 1 < makers_.size() ? spans_[i + 1] : all.size();
      if (!makers_[i] || makers_[i]->absent(random(number, i))) fields_[i].reset();
      else fields_[i] = all.substr(spans_[i], end - spans_[i]);
    }
    event_.append_from_text(fields_, column);
  }

  void make_by_json(std::uint64_t number, EventColumn& column) {
    auto object = json::object();
    const auto& schema = event_.schema();
    for (std::size_t i = 0; i < makers_.size(); ++i) {
      const auto chance = random(number, i);
      if (!makers_[i] || makers_[i]->absent(chance)) continue;
      if (const auto* value = makers_[i]->structured(chance)) {
        object[schema.fields[i].name] = *value;
        continue;
      }
      text_.clear();
      makers_[i]->make(number, chance, text_);
      const auto kind = schema.fields[i].kind;
      const bool plain = kind == FieldKind::integer || kind == FieldKind::real || kind == FieldKind::boolean;
      auto value = plain ? json::parse(text_, nullptr, false) : json(text_);
      object[schema.fields[i].name] = value.is_discarded() ? json(text_) : std::move(value);
    }
    event_.append_from_json(object, column);
  }

  // What can't be an event of this type is found before the first is sent.
  void try_one() {
    const auto column = event_.make_column();
    try {
      for (std::uint64_t number = 0; number < 64; ++number) make(number, *column);
    } catch (const BadValue& error) {
      throw BadValue(fmt::format("\"fields\" make no {}: {}", event_.name(), error.what()));
    }
  }

  const EventType& event_;
  std::uint64_t shard_, shards_;
  std::uint64_t seed_ = 1;
  std::optional<double> rate_;
  std::optional<std::uint64_t> count_;  // of this shard
  std::vector<std::optional<FieldMaker>> makers_;
  bool by_json_ = false;
  std::uint64_t next_ = 0;
  std::optional<std::chrono::steady_clock::time_point> begun_;
  std::uint64_t first_ = 0;  // made at begun_
  std::string text_;
  std::vector<std::size_t> spans_;
  std::vector<std::optional<std::string_view>> fields_;
};

Schema options_schema() {
  const auto field = [](std::string name, std::string type, FieldKind kind) {
    SchemaField made;
    made.name = std::move(name);
    made.type = std::move(type);
    made.kind = kind;
    made.optional = true;
    return made;
  };
  Schema schema;
  schema.name = "GeneratorOptions";
  schema.fields = {field("events", "integer from 0, may be absent: without end", FieldKind::integer), field("seed", "integer from 0", FieldKind::integer),
                   field("rate", "events a second, may be absent: as fast as they are taken", FieldKind::real),
                   field("fields", "map of constants and objects with one of " + std::string(spec_kinds), FieldKind::map)};
  schema.fields.back().element = FieldKind::object;
  return schema;
}

}  // namespace

SourceType generator_source_type() {
  SourceType type;
  type.name = "generator";
  type.needs_path = false;
  type.options_schema = options_schema();
  type.check_options = [](const json& options) {
    const auto plan = read_plan(options.is_null() ? json::object() : options);
    for (const auto& [name, spec] : plan.fields.items()) FieldMaker(name, spec, nullptr);
  };
  type.make = [](const SourceSettings& settings) -> std::unique_ptr<Source> {
    if (settings.event == nullptr) throw BadValue("\"event\" is missing: the type of event that the generator makes");
    return std::make_unique<Generator>(settings);
  };
  return type;
}

}  // namespace mailroom
