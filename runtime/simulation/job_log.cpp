#include "runtime/simulation/job_log.hpp"

#include <algorithm>

namespace mailroom::runtime {

void JobLog::came(std::uint32_t channel, std::uint64_t first_sequence, const std::vector<EventId>& jobs, std::uint64_t life) {
  batches_.push_back({channel, first_sequence, life});
  const auto batch = batches_.size();
  for (std::size_t place = 0; place < jobs.size(); ++place) {
    auto& job = jobs_[jobs[place]];
    if (job.batch != 0) {
      // Written again: after a power loss, or to say what was shed before it.
      const auto& before = batches_[job.batch - 1];
      job.unclear = job.unclear || (before.life == life && (before.channel != channel || before.first_sequence != first_sequence || job.batch == batch));
    }
    job.batch = batch;
    job.place = place;
  }
}

void JobLog::begun(EventId id, std::uint64_t life) {
  ++ordinal_;
  auto& job = jobs_[id];
  if (job.begun_at != 0) return;
  job.begun_at = ordinal_;
  job.begun_in = life;
  job.begun_of = job.batch;
  job.begun_place = job.place;
}

std::optional<JobLog::PassedOver> JobLog::passed_over(std::size_t workers, const std::function<std::optional<Rank>(EventId)>& rank) const {
  struct Candidate {
    EventId id;
    const Job* job;
    Rank rank;
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<Candidate>> together;  // by batch and life
  for (const auto& [id, job] : jobs_) {
    if (job.unclear || job.begun_at == 0 || job.begun_of == 0) continue;
    if (const auto found = rank(id)) together[{job.begun_of, job.begun_in}].push_back({id, &job, *found});
  }
  for (auto& [batch, jobs] : together) {
    std::sort(jobs.begin(), jobs.end(), [](const Candidate& a, const Candidate& b) { return a.job->begun_at < b.job->begun_at; });
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      PassedOver found;
      for (std::size_t later = i + 1; later < jobs.size(); ++later) {
        const auto& one = jobs[i];
        const auto& other = jobs[later];
        const bool better = other.rank.priority > one.rank.priority ||
                            (other.rank.priority == one.rank.priority && other.job->begun_place < one.job->begun_place);
        if (!better || !other.rank.alone) continue;
        if (found.better_ones++ == 0) found.better = other.id;
      }
      found.begun = jobs[i].id;
      if (found.better_ones >= workers) return found;
    }
  }
  return std::nullopt;
}

}  // namespace mailroom::runtime
