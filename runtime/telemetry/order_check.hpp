// Checks, at a bounded cost, that the events of a key on a channel are handled in the order of their sequences.
#pragma once

#include <cstdint>
#include <vector>

namespace mailroom::runtime {

// A direct-mapped table: a slot remembers one (channel, key) and the last sequence handled. A slot taken over by
// another key only loses a check; it never raises a false alarm (two keys would need the same 64-bit hash). A late
// event does not move its key's mark back. Sequences count from 1. Allocates at the first use. One thread.
class OrderCheck {
 public:
  static constexpr std::size_t slots = 8192;
  enum class Verdict : std::uint8_t { ok, late, duplicate };

  Verdict check(std::uint32_t channel, std::uint64_t key_hash, std::uint64_t sequence) {
    if (table_.empty()) table_.resize(slots);
    const auto tag = key_hash ^ (channel * 0x9E3779B97F4A7C15ull);  // all 64 bits: neighbours stay apart
    auto& slot = table_[(tag >> 20) & (slots - 1)];
    if (slot.tag == tag && sequence <= slot.sequence)
      return sequence == slot.sequence ? Verdict::duplicate : Verdict::late;
    slot = {tag, sequence};
    return Verdict::ok;
  }

 private:
  struct Slot {
    std::uint64_t tag = 0, sequence = 0;  // sequence 0: empty
  };
  std::vector<Slot> table_;
};

}  // namespace mailroom::runtime
