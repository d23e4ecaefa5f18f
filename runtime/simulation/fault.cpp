#include "runtime/simulation/fault.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/nearest_name.hpp>

namespace mailroom::runtime {
namespace {

constexpr std::array<std::string_view, fault_kinds> names = {
    "kill",         "power-loss",    "recovery-loss", "stop",          "exception",    "poison",    "redrive",  "slow", "hang",
    "source-stall", "source-repeat", "clock-skew",    "write-failure", "sync-failure", "disk-full", "bit-flip", "sink-failure"};

bool needs_journal(FaultKind kind) {
  switch (kind) {
    case FaultKind::exception:
    case FaultKind::poison:
    case FaultKind::slow:
    case FaultKind::hang:
    case FaultKind::source_stall:
    case FaultKind::source_repeat:
    case FaultKind::clock_skew: return false;
    default: return true;  // without a journal a node that ends loses what it holds, as it says
  }
}

std::string seconds(std::int64_t microseconds) { return fmt::format("{:.3f} s", static_cast<double>(microseconds) / 1e6); }

}  // namespace

std::string_view name_of(FaultKind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }

std::set<FaultKind> default_faults() {
  std::set<FaultKind> all;
  for (std::size_t kind = 0; kind < fault_kinds; ++kind)
    if (static_cast<FaultKind>(kind) != FaultKind::source_repeat) all.insert(static_cast<FaultKind>(kind));
  return all;
}

std::set<FaultKind> parse_faults(std::string_view text) {
  std::set<FaultKind> found;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto name = text.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (name == "none") continue;
    if (name == "default" || name == "all") {
      found.merge(default_faults());
      if (name == "all") found.insert(FaultKind::source_repeat);
      continue;
    }
    const auto kind = std::find(names.begin(), names.end(), name);
    if (kind == names.end()) {
      const auto nearest = nearest_name(name, {names.begin(), names.end()});
      throw BadValue(fmt::format("--faults: no fault is called \"{}\"; {}", name,
                                 nearest.empty() ? fmt::format("there are: none, default, all, {}", fmt::join(names, ", "))
                                                 : fmt::format("did you mean \"{}\"?", nearest)));
    }
    found.insert(static_cast<FaultKind>(kind - names.begin()));
  }
  return found;
}

std::string to_string(const Fault& fault) {
  const auto at = fault.at;
  switch (fault.kind) {
    case FaultKind::kill: return fmt::format("at step {} the process is killed", at);
    case FaultKind::power_loss:
      return fmt::format("at step {} the power fails; {} % of the unsynced writes survive", at, fault.amount / 10);
    case FaultKind::recovery_loss: return fmt::format("at write {} of a recovery the power fails again", at);
    case FaultKind::stop: return fmt::format("at step {} an operator tells the node to {}", at, fault.choice % 2 == 0 ? "stop" : "drain");
    case FaultKind::exception:
      return fault.amount == 0 ? fmt::format("handler call {} throws at its beginning", at)
                               : fmt::format("handler call {} throws at its emission {}", at, fault.amount);
    case FaultKind::poison:
      return fmt::format("the event of handler call {} makes its handler throw{}", at,
                         fault.amount == 1 ? std::string() : fmt::format(", {} times", fault.amount));
    case FaultKind::redrive: return fmt::format("at start {} (or later) an operator has what was given up on tried again", at);
    case FaultKind::slow:
      return slow_calls(fault) == 1 ? fmt::format("handler call {} takes {}", at, seconds(fault.amount))
                                    : fmt::format("handler call {} and the next {} take {} each", at, slow_calls(fault) - 1, seconds(fault.amount));
    case FaultKind::hang: return fmt::format("at step {} an actor does not come back for {}", at, seconds(fault.amount));
    case FaultKind::source_stall: return fmt::format("at read {} a source has nothing for {}", at, seconds(fault.amount));
    case FaultKind::source_repeat: return fmt::format("event {} of a source comes twice", at);
    case FaultKind::clock_skew: return fmt::format("at step {} the wall clock jumps by {}", at, seconds(fault.amount));
    case FaultKind::write_failure: return fmt::format("write {} to the journal fails", at);
    case FaultKind::sync_failure: return fmt::format("fdatasync {} fails", at);
    case FaultKind::disk_full: return fmt::format("from write {} on the disk is full, until the next start", at);
    case FaultKind::bit_flip: return fmt::format("after crash {} the disk changes a bit", at);
    case FaultKind::sink_failure: return fmt::format("write {} of the sinks is refused", at);
  }
  return {};
}

std::vector<Fault> draw_faults(std::mt19937_64& random, const std::set<FaultKind>& kinds, const RunSize& size, bool durable) {
  std::vector<FaultKind> usable;
  for (const auto kind : kinds)
    if (durable || !needs_journal(kind)) usable.push_back(kind);
  std::vector<Fault> faults;
  if (usable.empty() || random() % 8 == 0) return faults;
  // A run gets many faults of few kinds: kinds that meet are what hurts, and a run with all of them never gets far.
  std::vector<FaultKind> chosen;
  const auto several = 1 + random() % 4;
  for (std::uint64_t i = 0; i < several; ++i) chosen.push_back(usable[random() % usable.size()]);
  const auto up_to = [&random](std::uint64_t most) { return 1 + random() % std::max<std::uint64_t>(1, most); };
  // Over the scales, from microseconds to minutes: what is short to a timer is long to a batch.
  const auto time = [&random](double longest_seconds) {
    const auto exponent = std::uniform_real_distribution<double>(1.0, 6.0)(random);
    return static_cast<std::int64_t>(std::pow(10.0, exponent) * longest_seconds);
  };
  const auto how_many = 1 + random() % 8;
  for (std::uint64_t i = 0; i < how_many; ++i) {
    Fault fault;
    fault.kind = chosen[random() % chosen.size()];
    fault.choice = random();
    switch (fault.kind) {
      case FaultKind::kill:
      case FaultKind::stop: fault.at = up_to(size.steps); break;
      case FaultKind::power_loss:
        fault.at = up_to(size.steps);
        fault.amount = static_cast<std::int64_t>(random() % 3 == 0 ? 0 : random() % 1001);
        break;
      case FaultKind::recovery_loss:
        fault.at = up_to(40);
        fault.amount = static_cast<std::int64_t>(random() % 1001);
        break;
      case FaultKind::exception:
        fault.at = up_to(size.calls);
        fault.amount = static_cast<std::int64_t>(random() % 4);
        break;
      case FaultKind::poison:
        fault.at = up_to(size.calls);
        fault.amount = static_cast<std::int64_t>(up_to(random() % 2 == 0 ? 4 : 24));
        break;
      case FaultKind::redrive: fault.at = up_to(4); break;
      case FaultKind::slow:
        fault.at = up_to(size.calls);
        fault.amount = time(60);
        break;
      case FaultKind::hang:
        fault.at = up_to(size.steps);
        fault.amount = time(60);
        break;
      case FaultKind::source_stall:
        fault.at = up_to(size.reads);
        fault.amount = time(30);
        break;
      case FaultKind::source_repeat: fault.at = up_to(size.events); break;
      case FaultKind::clock_skew:
        fault.at = up_to(size.steps);
        fault.amount = time(3600) * (random() % 2 == 0 ? 1 : -1);
        break;
      case FaultKind::write_failure:
      case FaultKind::disk_full:
        fault.at = up_to(size.writes);
        fault.amount = static_cast<std::int64_t>(random() % 1001);
        break;
      case FaultKind::sync_failure:
        fault.at = up_to(size.syncs);
        fault.amount = static_cast<std::int64_t>(random() % 1001);
        break;
      case FaultKind::bit_flip: fault.at = up_to(3); break;
      case FaultKind::sink_failure: fault.at = up_to(size.sink_writes); break;
    }
    faults.push_back(fault);
  }
  // There must be a crash for these to be seen.
  const auto has = [&faults](FaultKind kind) {
    return std::any_of(faults.begin(), faults.end(), [kind](const Fault& fault) { return fault.kind == kind; });
  };
  if ((has(FaultKind::recovery_loss) || has(FaultKind::bit_flip)) && !has(FaultKind::power_loss) && !has(FaultKind::kill))
    faults.push_back({FaultKind::power_loss, up_to(size.steps), static_cast<std::int64_t>(random() % 1001), random()});
  // Something must have been given up on.
  if (has(FaultKind::redrive) && !has(FaultKind::poison))
    faults.push_back({FaultKind::poison, up_to(size.calls), static_cast<std::int64_t>(up_to(24)), random()});
  return faults;
}

}  // namespace mailroom::runtime
