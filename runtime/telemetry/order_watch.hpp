// Watches the numbers that producers of the outside world give their events ("watch_order"), per producer and key, as
// the events arrive: which come late, which come twice, which are missing, and which of those come after all.
//
// In order costs a look into a table. Memory is bounded: a direct-mapped table of keys, in which a newcomer takes the
// place of another key that has no gap open (only a check is lost, a false alarm is never raised), and so many holes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mailroom::runtime {

// One thread. Times on the steady clock, in microseconds. The first number seen of a key is where it begins.
class OrderWatch {
 public:
  static constexpr std::size_t slots = 16'384;   // keys watched at a time, at most
  static constexpr std::size_t most_gaps = 4096;  // open at a time; beyond it the oldest is final before its time
  static constexpr std::size_t most_key = 256;    // characters of a key that are kept

  struct Finding {
    enum class Kind : std::uint8_t { late, duplicate, gap, gap_filled, gap_final } kind = Kind::late;
    std::uint32_t channel = 0;
    std::string key;                          // gap_final only: the others are about the event at hand
    std::int64_t number = 0;                  // of the event at hand
    std::int64_t highest = 0;                 // late: seen so far
    std::int64_t belonged_us = 0;             // late: when its successor had come; 0: unknown
    std::int64_t first_us = 0;                // duplicate: when it came first; 0: unknown
    std::uint64_t gap = 0;                    // gap...: its number, from 1
    std::int64_t first = 0, last = 0;         // gap
    std::uint64_t left = 0;                   // gap_filled, gap_final: still missing
    bool early = false;                       // gap_final: for lack of room, before its grace was over
  };

  explicit OrderWatch(std::int64_t grace_us) : grace_us_(grace_us) {}

  // Appends what there is to say about this arrival to `found`.
  void see(std::uint32_t channel, std::uint64_t key_hash, std::string_view key, std::int64_t number, std::int64_t now_us,
           std::vector<Finding>& found);
  // Appends gap_final for each gap whose grace is over at `now_us`.
  void expire(std::int64_t now_us, std::vector<Finding>& found);
  // When the next one's is; 0: none is open.
  [[nodiscard]] std::int64_t next_due() const noexcept { return gaps_.empty() ? 0 : gaps_.begin()->second.due_us; }
  [[nodiscard]] std::size_t open_gaps() const noexcept { return gaps_.size(); }

 private:
  struct Slot {
    std::uint64_t tag = 0;
    std::int64_t base = 0, highest = 0, highest_us = 0;
    std::uint32_t open = 0;  // gaps
    bool used = false, holes = false;
  };
  // Numbers of one key that have not come. A gap that late events fill in its middle becomes several holes.
  struct Hole {
    std::int64_t first, last;
    std::int64_t successor_us;  // when last + 1 came
    std::uint64_t gap;          // 0: before the first number seen
  };
  struct Gap {
    std::uint64_t tag;
    std::uint32_t channel;
    std::string key;
    std::uint64_t left;
    std::int64_t due_us;
  };
  struct Arrival {
    std::uint64_t mix = 0;
    std::int64_t at_us = 0;
  };

  void open_gap(Slot& slot, std::uint32_t channel, std::string_view key, std::int64_t number, std::int64_t now_us,
                std::vector<Finding>& found);
  bool fill(Slot& slot, std::int64_t number, std::int64_t now_us, Finding& late, std::vector<Finding>& found);
  void finish(std::map<std::uint64_t, Gap>::iterator gap, bool early, std::vector<Finding>& found);
  [[nodiscard]] Slot& slot_of(std::uint64_t tag) noexcept { return table_[(tag >> 20) & (slots - 1)]; }
  [[nodiscard]] Arrival& arrival_of(std::uint64_t mix) noexcept { return arrivals_[mix & (arrivals - 1)]; }

  static constexpr std::size_t arrivals = 4096;  // whose time is remembered
  const std::int64_t grace_us_;
  std::vector<Slot> table_;  // empty until the first event
  std::vector<Arrival> arrivals_;
  std::unordered_map<std::uint64_t, std::vector<Hole>> holes_;  // by tag
  std::map<std::uint64_t, Gap> gaps_;                            // open ones, in the order of their due times
  std::uint64_t next_gap_ = 1;
};

}  // namespace mailroom::runtime
