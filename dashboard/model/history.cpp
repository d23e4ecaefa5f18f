#include "dashboard/model/history.hpp"

#include <algorithm>

namespace mailroom::dashboard {

void Moments::reset(std::size_t shards, std::size_t edges) {
  recent_.clear();
  long_.clear();
  const auto bytes = shards * sizeof(ShardSample) + edges * sizeof(EdgeSample) + sizeof(Moment);
  const auto fit = std::max<std::size_t>(1, shard_bytes / bytes);
  const auto seconds = (static_cast<std::size_t>(history_us / second_us) + fit - 1) / fit;
  long_step_us_ = static_cast<Micros>(seconds) * second_us;
}

void Moments::push(Moment moment) {
  // What leaves the recent ones goes over to the long ones, if their step has passed.
  recent_.push_back(std::move(moment));
  const auto newest = recent_.back().at_us;
  while (recent_.front().at_us < newest - recent_us) {
    if (long_.empty() || recent_.front().at_us - long_.back().at_us >= long_step_us_ - recent_step_us / 2) long_.push_back(std::move(recent_.front()));
    recent_.pop_front();
  }
  while (!long_.empty() && long_.front().at_us < newest - history_us) long_.pop_front();
}

const Moment* Moments::at(Micros at_us) const {
  const auto find = [&](const std::deque<Moment>& in) -> const Moment* {
    auto after = std::upper_bound(in.begin(), in.end(), at_us, [](Micros time, const Moment& each) { return time < each.at_us; });
    return after == in.begin() ? nullptr : &*--after;
  };
  if (const auto* found = find(recent_)) return at_us - found->at_us <= 3 * second_us ? found : nullptr;
  const auto* found = find(long_);
  return found && at_us - found->at_us <= std::max(long_step_us_ + second_us, 3 * second_us) ? found : nullptr;
}

void Moments::each(Micros from_us, Micros to_us, const std::function<void(const Moment&)>& visit) const {
  for (const auto* in : {&long_, &recent_}) {
    auto at = std::lower_bound(in->begin(), in->end(), from_us, [](const Moment& each, Micros time) { return each.at_us < time; });
    for (; at != in->end() && at->at_us <= to_us; ++at) visit(*at);
  }
}

}  // namespace mailroom::dashboard
