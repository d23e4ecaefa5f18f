#include "scenarios/feed/fanout.hpp"

namespace feed {

namespace {

bool still_to_get(const Member& member, const Job& job) { return member.joined < job.order_number && member.reader > job.told_up_to; }

Arrival arrival(const Member& member, const Spread& order) {
  return {member.reader, order.author, member.since, order.order, order.celebrity, order.post, order.recent};
}

}  // namespace

FanOut::FanOut(const FanOutOptions& options) : options_(options) {
  if (options.slice < 1) throw mailroom::BadValue("fanout: slice must be 1 or more");
}

void FanOut::on(const Spread& order, Chunk& chunk, mailroom::Context& context) noexcept {
  if (chunk.orders == 0) context.at(end_of_time, Due{For::end, end_of_time});
  chunk.chunk = order.chunk;
  ++chunk.orders;
  if (order.order == Order::join) {
    auto at = place_of(chunk.members, order.reader, &Member::reader);
    if (at == chunk.members.end() || at->reader != order.reader) at = chunk.members.insert(at, Member{});
    *at = {order.reader, order.number, chunk.orders};
    context.emit(arrival(*at, order));
    return;
  }
  if (order.order == Order::leave) {
    Member member{order.reader, order.number, 0};
    if (const auto* found = find_in(chunk.members, order.reader, &Member::reader)) {
      for (const auto& job : chunk.jobs)
        if (job.order.order == Order::post && still_to_get(*found, job)) ++chunk.cancelled;
      chunk.members.erase(place_of(chunk.members, order.reader, &Member::reader));
    }
    context.emit(arrival(member, order));
    return;
  }
  if (order.order == Order::remove)  // overtakes the post itself, for those who don't have it yet
    std::erase_if(chunk.jobs, [&](const Job& job) {
      if (job.order.order != Order::post || job.order.post.number != order.post.number) return false;
      chunk.cancelled += std::count_if(chunk.members.begin(), chunk.members.end(), [&](const Member& m) { return still_to_get(m, job); });
      return true;
    });
  std::int64_t told_up_to = 0, told = 0;
  if (chunk.jobs.empty() && tell(order, chunk.orders, told_up_to, told, chunk, context)) return;
  chunk.jobs.push_back({chunk.orders, told_up_to, order});
  if (!chunk.waits) wait_for_turn(chunk, context);
}

void FanOut::on(const Due& due, Chunk& chunk, mailroom::Context& context) noexcept {
  if (due.what == For::end) {
    context.emit(FanOutTally{"fanout", chunk.chunk, 0, chunk.done, chunk.cancelled});
    return;
  }
  chunk.waits = false;
  std::int64_t told = 0;
  std::size_t finished = 0;
  while (finished < chunk.jobs.size()) {
    auto& job = chunk.jobs[finished];
    if (!tell(job.order, job.order_number, job.told_up_to, told, chunk, context)) break;
    ++finished;
  }
  chunk.jobs.erase(chunk.jobs.begin(), chunk.jobs.begin() + static_cast<std::ptrdiff_t>(finished));
  let_go_if_empty(chunk.jobs);
  if (!chunk.jobs.empty()) wait_for_turn(chunk, context);
}

bool FanOut::tell(const Spread& order, std::int64_t order_number, std::int64_t& told_up_to, std::int64_t& told, Chunk& chunk,
                  mailroom::Context& context) const {
  auto at = place_of(chunk.members, told_up_to + 1, &Member::reader);
  for (; at != chunk.members.end() && told < options_.slice; ++at) {
    told_up_to = at->reader;
    if (at->joined >= order_number) continue;
    context.emit(arrival(*at, order));
    if (order.order == Order::post) ++chunk.done;
    ++told;
  }
  return at == chunk.members.end();
}

void FanOut::wait_for_turn(Chunk& chunk, mailroom::Context& context) const {
  chunk.waits = true;
  context.after(options_.pause, Due{For::more, {}});
}

}  // namespace feed
