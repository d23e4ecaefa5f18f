#include "scenarios/orders/carrier.hpp"

#include <array>
#include <fmt/format.h>

#include <mailroom/seeded_choice.hpp>

namespace orders {

void Carrier::on(const Outcome& outcome, mailroom::Context& context) {
  if (outcome.ending != Ending::fulfilled) return;
  static constexpr std::array places{"picked up", "sorting centre", "line haul", "depot", "on the van", "delivered"};
  auto when = outcome.at;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i + 1);
    mailroom::SeededChoice choice(options_.seed, {"scan", outcome.invoice}, i);
    when = when + std::chrono::minutes(choice.integer(60, 240));
    const auto fate = choice.real();
    if (fate < options_.lost) continue;
    const bool late = fate < options_.lost + options_.late;
    const auto comes = when + std::chrono::minutes(late ? choice.integer(300, 900) : 0);
    const Scan scan{outcome.invoice, number, places[i], when};
    context.at(comes, scan);
    if (choice.chance(options_.twice)) context.at(comes + std::chrono::minutes(choice.integer(10, 600)), scan);
  }
}

void Tracking::on(const Scan& scan, Parcel& parcel, mailroom::Context& context) {
  mailroom::SeededChoice choice(options_.seed, {"tracking", scan.invoice}, static_cast<std::uint64_t>(scan.number));
  if (choice.chance(options_.foreign)) throw mailroom::Rejected("no parcel of ours");
  if (context.attempt() == 1 && choice.chance(options_.unreadable)) throw std::runtime_error(fmt::format("scan {} of {} is unreadable", scan.number, scan.invoice));
  if (options_.wears_out_after > 0 && taken_ >= options_.wears_out_after) throw std::runtime_error("the reader is worn out: it needs a restart");
  ++taken_;
  if (scan.number <= parcel.highest) return;
  parcel.highest = scan.number;
  parcel.place = scan.place;
}

}  // namespace orders
