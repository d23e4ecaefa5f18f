// The demo's outside world: a carrier who scans a parcel on its way and sends each scan with its number. Some come late, some
// twice, some never; the stage that takes them watches their order ("watch_order" in demo.json). Keyed by invoice.
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct CarrierOptions {
  std::uint64_t seed = 1;
  double late = 0.06, twice = 0.05, lost = 0.03;  // share of the scans
};
MAILROOM_OPTIONS(CarrierOptions, seed, late, twice, lost)

class Carrier : public mailroom::Actor<> {
 public:
  using Options = CarrierOptions;
  using Emits = mailroom::Events<Scan>;
  explicit Carrier(const CarrierOptions& options) : options_(options) {}
  void on(const Outcome& outcome, mailroom::Context& context);
  void on(const Scan& scan, mailroom::Context& context) { context.emit(scan); }  // its time has come

 private:
  CarrierOptions options_;
};
MAILROOM_ACTOR(Carrier, Outcome, Scan)

struct TrackingOptions {
  std::uint64_t seed = 1;
  double unreadable = 0.01;  // share of the scans at which the first try fails
  double foreign = 0.002;    // of another carrier's parcel: refused
  std::uint64_t wears_out_after = 0;  // scans, and then every call fails until the actor is made anew; 0: never
};
MAILROOM_OPTIONS(TrackingOptions, seed, unreadable, foreign, wears_out_after)

struct Parcel {
  std::int64_t highest = 0;
  std::string place;
};
MAILROOM_STATE(Parcel, highest, place)

// Where the parcel is: what the highest scan says, in whatever order they come.
class Tracking : public mailroom::Actor<Parcel> {
 public:
  using Options = TrackingOptions;
  explicit Tracking(const TrackingOptions& options) : options_(options) {}
  void on(const Scan& scan, Parcel& parcel, mailroom::Context& context);

 private:
  TrackingOptions options_;
  std::uint64_t taken_ = 0;  // since it was made
};
MAILROOM_ACTOR(Tracking, Scan)

}  // namespace orders
