// Batcher: collects a key's events and passes them on together, when there are enough or the first has waited long
// enough. For outsides that take many at a time (a bulk insert, a file a minute).
//
//   struct Pending { std::vector<Row> rows; };
//   MAILROOM_STATE(Pending, rows)
//   mailroom::Batcher batcher_{500, std::chrono::seconds(1)};
//
//   on(Row):      batcher_.add(row, pending.rows, context, make);        make: [](std::vector<Row> rows) { return Insert{rows}; }
//   on(BatchDue): batcher_.flush(pending.rows, context, make);           name BatchDue in MAILROOM_ACTOR
//
// What is pending is in the state, so nothing is lost or doubled; it is copied before each event, so keep `most` in the
// hundreds. The time is the topology's; with "clock": "events" the end of the input flushes everything.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace mailroom {

// The batcher's own timer.
struct BatchDue {
  bool due = true;
};
MAILROOM_EVENT(BatchDue, due)

class Batcher {
 public:
  // Throws BadValue unless both are positive.
  Batcher(std::size_t most, std::chrono::microseconds within) : most_(most), within_(within) {
    if (most == 0 || within.count() <= 0) throw BadValue("a batcher needs a size and a time above 0");
  }

  template <class E, class Make>
  void add(E event, std::vector<E>& pending, Context& context, Make&& make) const {
    if (pending.empty() && most_ > 1) context.after(within_, BatchDue{}, "batch");
    pending.push_back(std::move(event));
    if (pending.size() < most_) return;
    if (most_ > 1) context.cancel("batch");
    flush(pending, context, make);
  }
  // Emits make(pending) if there is anything.
  template <class E, class Make>
  void flush(std::vector<E>& pending, Context& context, Make&& make) const {
    if (pending.empty()) return;
    context.emit(make(std::exchange(pending, {})));
  }

 private:
  const std::size_t most_;
  const std::chrono::microseconds within_;
};

}  // namespace mailroom
