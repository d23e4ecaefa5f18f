// The one event of the load suite. Numbers rise by one within a key, so that whoever is at the end can tell loss,
// repetition and disorder of each key from what arrives.
#pragma once

#include <chrono>

#include <mailroom/mailroom.hpp>

namespace faults {

struct Item {
  std::uint64_t key = 0;
  std::uint64_t number = 0;   // within the key, from 1
  std::uint64_t counted = 0;  // by Pass: the key's events so far, out of its state; equals `number` if none was left out
  std::int64_t made_us = 0;   // steady clock, so it says nothing after a restart
};
MAILROOM_EVENT(Item, key, number, counted, made_us)

inline std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace faults
