// Which jobs the workers of a stage could choose from, and when each was begun: for the law that of those that wait the one
// with the highest priority is next.
//
// Only jobs of one batch are compared: they come to the queue in one step. Several workers begin what they were given in
// any order, so a job may be begun before better ones of its batch, as long as these are no more than the other workers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/simulation/event_catalogue.hpp"

namespace mailroom::runtime {

class JobLog {
 public:
  // A batch was committed to the stage's mailbox; `life`: which of the node's.
  void came(std::uint32_t channel, std::uint64_t first_sequence, const std::vector<EventId>& jobs, std::uint64_t life);
  // A worker begins a job.
  void begun(EventId job, std::uint64_t life);

  struct PassedOver {
    EventId begun = 0, better = 0;  // the better one is begun later
    std::size_t better_ones = 0;
  };
  // What the law asks of a job; `alone`: nothing of its key can have been in its way; nullopt: it is left out.
  struct Rank {
    std::int64_t priority = 0;
    bool alone = true;
  };
  [[nodiscard]] std::optional<PassedOver> passed_over(std::size_t workers, const std::function<std::optional<Rank>(EventId)>& rank) const;

 private:
  struct Batch {
    std::uint32_t channel;
    std::uint64_t first_sequence, life;
  };
  struct Job {
    std::uint64_t batch = 0;
    std::size_t place = 0;
    bool unclear = false;         // two that look alike
    std::uint64_t begun_at = 0;   // the first time; 0: never
    std::uint64_t begun_in = 0;   // which life
    std::uint64_t begun_of = 0;   // which batch
    std::size_t begun_place = 0;  // and where in it
  };
  std::vector<Batch> batches_;
  std::unordered_map<EventId, Job> jobs_;
  std::uint64_t ordinal_ = 0;
};

}  // namespace mailroom::runtime
