#include "scenarios/analytics/check/outputs_check.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>

#include <mailroom/key_hash.hpp>

#include "scenarios/analytics/access_line.hpp"

namespace analytics_check {
namespace {

using analytics::SetAsideAs;
using std::chrono::microseconds;

std::string text_of(const nlohmann::json& row) { return row.dump(); }
std::string text_of(const auto& event) { return mailroom::value_to_json(event).dump(); }

std::vector<std::string> sorted_texts(const Rows& rows) {
  std::vector<std::string> texts;
  for (const auto& row : rows) texts.push_back(text_of(row));
  std::sort(texts.begin(), texts.end());
  return texts;
}
// Both sorted: what one has and the other has not is named.
void expect_same(mailroom::CheckedInvariant& invariant, const std::vector<std::string>& expected, const std::vector<std::string>& found) {
  std::vector<std::string> missing, more;
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(), std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(), std::back_inserter(more));
  for (std::size_t i = missing.size(); i < expected.size(); ++i) invariant.expect(true, "");
  for (const auto& one : missing) invariant.expect(false, "missing: {}", one);
  for (const auto& one : more) invariant.expect(false, "not expected: {}", one);
}

}  // namespace

Rules rules_of(const nlohmann::json& topology) {
  const auto& stages = topology.at("stages");
  const auto options = [&](const char* stage) { return stages.at(stage).value("options", nlohmann::json::object()); };
  const auto duration = [](const nlohmann::json& from, const char* name, const char* otherwise) {
    return mailroom::parse_duration(from.value(name, std::string(otherwise)));
  };
  return {duration(stages.at("lines"), "lateness", "0s"), duration(options("unique"), "remember", "10m"), duration(options("sessions"), "gap", "0s"),
          duration(options("minute_parts"), "allowed_lateness", "0s"), duration(options("sessions"), "allowed_lateness", "0s"),
          mailroom::from_json<analytics::AlertOptions>(options("alerts")), duration(stages.at("lines"), "max_ahead", "0s"),
          stages.at("lines").value("believed_after", std::uint64_t{10})};
}

void Recount::line(std::string_view text) {
  if (text.empty()) return;
  ++lines;
  analytics::Request request;
  try {
    // Also of a line that is dirty further on: its time is known.
    const auto head = analytics::read_head(text);
    if (too_far_ahead(head.time)) {
      ++dirty;
      return;
    }
    watermark_ = std::max(watermark_, head.time - rules_.lateness);
    const auto found = analytics::read_access_line(text);
    request = {found.head.time, std::string(found.head.client), 0, std::string(found.path), found.status, found.bytes, mailroom::hash_key(text)};
  } catch (const mailroom::BadValue&) {
    ++dirty;
    return;
  }
  const auto reached = std::max(watermark_, request.time);
  if (reached >= request.time + rules_.remember) return aside(SetAsideAs::too_late_to_tell, request);
  auto& seen = seen_[request.visitor];
  const auto [before, is_new] = seen.emplace(request.id, request.time);
  if (!is_new && reached < before->second + rules_.remember) return aside(SetAsideAs::duplicate, request);

  visit(request, reached);
  const Timestamp minute{request.time.micros - request.time.micros % 60'000'000};
  const auto end = minute + std::chrono::minutes(1);
  if (reached >= end + rules_.minutes_allowed) return aside(SetAsideAs::late_for_minute, request);
  auto& counts = minutes[minute];
  ++counts.requests;
  counts.late += reached >= end;
  counts.errors += request.status >= 500;
  counts.bytes += request.bytes;
  counts.sizes.push_back(request.bytes);
  ++counts.paths[request.path];
  counts.visitors.insert(request.visitor);
}

bool Recount::too_far_ahead(Timestamp time) {
  if (rules_.max_ahead.count() == 0 || watermark_ == Timestamp::min() || time - rules_.lateness <= watermark_ + rules_.max_ahead) {
    ahead_.clear();
    return false;
  }
  if (!ahead_.empty() && (time > ahead_.back() + rules_.max_ahead || ahead_.back() > time + rules_.max_ahead)) ahead_.clear();
  ahead_.push_back(time);
  if (ahead_.size() < rules_.believed_after) return true;
  ahead_.clear();
  return false;
}

void Recount::visit(const analytics::Request& request, Timestamp reached) {
  Visit visit{request.time, request.time + rules_.gap, {request.visitor, request.time, request.time, 1, request.bytes, request.path}};
  if (reached >= visit.end + rules_.sessions_allowed) return aside(SetAsideAs::late_for_session, request);
  auto& all = visits_[request.visitor];
  for (auto other = all.begin(); other != all.end();) {
    const bool over = reached >= other->end + rules_.sessions_allowed;
    if (over || other->start >= request.time + rules_.gap || request.time >= other->end) {
      ++other;
      continue;
    }
    auto& s = visit.session;
    const auto& o = other->session;
    if (o.begin < s.begin || (o.begin == s.begin && o.entry < s.entry)) s.entry = o.entry;
    s.begin = std::min(s.begin, o.begin);
    s.end = std::max(s.end, o.end);
    s.requests += o.requests;
    s.bytes += o.bytes;
    visit.start = std::min(visit.start, other->start);
    visit.end = std::max(visit.end, other->end);
    other = all.erase(other);
  }
  all.push_back(std::move(visit));
}

void Recount::aside(SetAsideAs reason, const analytics::Request& request) { set_aside.push_back(text_of(analytics::set_aside(reason, request))); }

void Recount::finish() {
  for (auto& [visitor, all] : visits_)
    for (const auto& visit : all) sessions.push_back(text_of(visit.session));
  std::sort(sessions.begin(), sessions.end());
  std::sort(set_aside.begin(), set_aside.end());
  analytics::UsualErrors usual;
  for (auto& [minute, counts] : minutes) {
    std::sort(counts.sizes.begin(), counts.sizes.end());
    const auto rate = static_cast<double>(counts.errors) / static_cast<double>(counts.requests);
    if (is_alert(rules_.alerts, usual, rate, counts.requests)) alerts.push_back(text_of(analytics::Alert{minute, rate, usual.rate, counts.requests}));
    learn(rules_.alerts, usual, rate);
  }
  std::sort(alerts.begin(), alerts.end());
}

Outputs read_outputs(const std::filesystem::path& folder) {
  Outputs outputs;
  outputs.minutes = mailroom::read_json_lines(folder / "minutes.jsonl");
  outputs.top_paths = mailroom::read_json_lines(folder / "top_paths.jsonl");
  outputs.sessions = mailroom::read_json_lines(folder / "sessions.jsonl");
  outputs.alerts = mailroom::read_json_lines(folder / "alerts.jsonl");
  outputs.set_aside = mailroom::read_json_lines(folder / "set_aside.jsonl");
  std::ifstream csv(folder / "minutes.csv");
  for (std::string line; std::getline(csv, line);) outputs.csv.push_back(line);
  return outputs;
}

mailroom::CheckReport check_outputs(const Outputs& outputs, const Recount& expected, std::optional<std::uint64_t> dead_letters) {
  using mailroom::CheckedInvariant;
  mailroom::CheckReport report;
  std::vector<analytics::Minute> minutes;
  for (const auto& row : outputs.minutes) minutes.push_back(mailroom::from_json<analytics::Minute>(row));

  {
    CheckedInvariant books(report, "lines read = on time + late accepted + late dropped + duplicate + dirt");
    std::uint64_t on_time = 0, late = 0, dropped = 0, duplicates = 0, sessions = 0, late_for_session = 0;
    for (const auto& minute : minutes) {
      on_time += static_cast<std::uint64_t>(minute.requests - minute.late);
      late += static_cast<std::uint64_t>(minute.late);
    }
    for (const auto& row : outputs.set_aside) {
      const auto reason = row.at("reason").get<std::string>();
      duplicates += reason == "duplicate";
      dropped += reason == "too_late_to_tell" || reason == "late_for_minute";
      late_for_session += reason == "late_for_session";
    }
    for (const auto& row : outputs.sessions) sessions += row.at("requests").get<std::uint64_t>();
    const auto dirt = dead_letters.value_or(expected.dirty);
    books.expect(on_time + late + dropped + duplicates + dirt == expected.lines, "{} + {} + {} + {} + {} is {}, and {} lines were read", on_time, late,
                 dropped, duplicates, dirt, on_time + late + dropped + duplicates + dirt, expected.lines);
    books.expect(dirt == expected.dirty, "{} lines are dirty, {} are dead letters", expected.dirty, dirt);
    std::uint64_t too_late = 0;
    for (const auto& row : outputs.set_aside) too_late += row.at("reason") == "too_late_to_tell";
    books.expect(sessions + late_for_session == on_time + late + dropped - too_late, "{} requests in sessions and {} late for one, of {}", sessions,
                 late_for_session, on_time + late + dropped - too_late);
  }
  {
    CheckedInvariant order(report, "minutes come once each and in order: the watermark never goes back");
    for (std::size_t i = 1; i < minutes.size(); ++i)
      order.expect(minutes[i - 1].minute < minutes[i].minute, "{} comes after {}", minutes[i].minute.to_string(), minutes[i - 1].minute.to_string());
  }
  {
    CheckedInvariant same(report, "each minute equals the recomputation");
    CheckedInvariant percentiles(report, "percentiles are within 1 %");
    CheckedInvariant distinct(report, "distinct visitors are within four standard errors");
    auto missing = expected.minutes;
    for (const auto& minute : minutes) {
      const auto name = minute.minute.to_string();
      const auto found = expected.minutes.find(minute.minute);
      same.expect(found != expected.minutes.end(), "{} had no requests", name);
      if (found == expected.minutes.end()) continue;
      missing.erase(minute.minute);
      const auto& exact = found->second;
      same.expect(minute.requests == exact.requests && minute.late == exact.late && minute.errors == exact.errors && minute.bytes == exact.bytes,
                  "{}: {} requests, {} late, {} errors, {} bytes; expected {}, {}, {}, {}", name, minute.requests, minute.late, minute.errors,
                  minute.bytes, exact.requests, exact.late, exact.errors, exact.bytes);
      for (const auto& [q, value] : {std::pair(0.5, minute.p50), std::pair(0.95, minute.p95), std::pair(0.99, minute.p99)}) {
        const auto size = static_cast<double>(exact.sizes[static_cast<std::size_t>(q * static_cast<double>(exact.sizes.size() - 1))]);
        percentiles.expect(std::abs(value - size) <= 0.01 * size + 1e-6, "{}: p{} is {}, exactly {}", name, 100 * q, value, size);
      }
      const auto visitors = static_cast<double>(exact.visitors.size());
      const auto bound = visitors <= 64 ? 0.5 : 0.5 + 4 * mailroom::DistinctCount::standard_error(12) * visitors;
      distinct.expect(std::abs(static_cast<double>(minute.visitors) - visitors) <= bound, "{}: {} visitors, exactly {}", name, minute.visitors, visitors);
    }
    for (const auto& [minute, counts] : missing) same.expect(false, "{} is missing", minute.to_string());
  }
  {
    CheckedInvariant top(report, "top paths are within their stated error, and the right ones where it is 0");
    std::map<Timestamp, std::vector<analytics::TopPath>> by_minute;
    for (const auto& row : outputs.top_paths) {
      auto path = mailroom::from_json<analytics::TopPath>(row);
      by_minute[path.minute].push_back(std::move(path));
    }
    for (const auto& [minute, paths] : by_minute) {
      const auto found = expected.minutes.find(minute);
      if (found == expected.minutes.end()) continue;  // said above
      std::vector<std::pair<std::int64_t, std::string>> exact;
      for (const auto& [path, requests] : found->second.paths) exact.emplace_back(-requests, path);
      std::sort(exact.begin(), exact.end());
      for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto& p = paths[i];
        const auto known = found->second.paths.find(p.path);
        const auto requests = known == found->second.paths.end() ? 0 : known->second;
        top.expect(p.requests - p.error <= requests && requests <= p.requests, "{}: {} has {} requests, {} to {} are stated", minute.to_string(), p.path,
                   requests, p.requests - p.error, p.requests);
        if (p.error == 0)
          top.expect(i < exact.size() && exact[i].second == p.path, "{}: rank {} is {}, expected {}", minute.to_string(), i + 1, p.path,
                     i < exact.size() ? exact[i].second : "nothing");
      }
    }
  }
  {
    CheckedInvariant sessions(report, "sessions equal the recomputation");
    expect_same(sessions, expected.sessions, sorted_texts(outputs.sessions));
  }
  {
    CheckedInvariant aside(report, "what is duplicate and what is late is what the recomputation says");
    expect_same(aside, expected.set_aside, sorted_texts(outputs.set_aside));
  }
  {
    CheckedInvariant alerts(report, "alerts are those of the rule");
    expect_same(alerts, expected.alerts, sorted_texts(outputs.alerts));
  }
  if (!outputs.csv.empty()) {
    CheckedInvariant csv(report, "minutes.csv says what minutes.jsonl says");
    csv.expect(outputs.csv.size() == minutes.size() + 1, "{} records, expected a header and {}", outputs.csv.size(), minutes.size());
    for (std::size_t i = 0; i + 1 < outputs.csv.size() && i < minutes.size(); ++i)
      csv.expect(outputs.csv[i + 1].starts_with(fmt::format("{},{},{},{},", minutes[i].minute.to_string(), minutes[i].requests, minutes[i].late,
                                                            minutes[i].errors)),
                 "record {} is {}", i + 1, outputs.csv[i + 1]);
  }
  return report;
}

}  // namespace analytics_check
