#include "scenarios/feed/timelines.hpp"

#include <map>

namespace feed {

namespace {

void begin(Timeline& timeline, std::int64_t reader, mailroom::Context& context) {
  if (timeline.reader == 0) context.at(end_of_time, Due{For::end, end_of_time});
  timeline.reader = reader;
}

void drop_posts_of(std::int64_t author, Timeline& timeline) {
  std::erase_if(timeline.posts, [author](const Post& post) { return post.author == author; });
}

void stop_following(std::int64_t author, std::int64_t number, Timeline& timeline) {
  const auto at = place_of(timeline.follows, author, &Followed::author);
  if (at == timeline.follows.end() || at->author != author || at->since > number) return;
  timeline.follows.erase(at);
  drop_posts_of(author, timeline);
}

}  // namespace

Timelines::Timelines(const TimelinesOptions& options) : options_(options) {
  if (options.length < 1 || options.length > 1000) throw mailroom::BadValue("timelines: length must be from 1 to 1000");
}

void Timelines::keep(const Post& post, Timeline& timeline) const {
  auto& posts = timeline.posts;
  const auto least = static_cast<std::size_t>(options_.length * 3 / 2), most = static_cast<std::size_t>(options_.length * 7 / 4) + 1;
  if (post.number <= timeline.let_go) return;
  if (posts.size() == posts.capacity()) posts.reserve(std::min(most, 2 * posts.size() + 2));  // no more than it will need
  if (!insert_post(posts, post) || posts.size() < most) return;
  const auto gone = posts.end() - static_cast<std::ptrdiff_t>(least);
  timeline.let_go = std::prev(gone)->number;
  posts.erase(posts.begin(), gone);
}

void Timelines::on(const Arrival& arrival, Timeline& timeline, mailroom::Context& context) noexcept {
  begin(timeline, arrival.reader, context);
  const auto author = arrival.author;
  auto cut = place_of(timeline.cuts, author, &Cut::author);
  const bool is_cut = cut != timeline.cuts.end() && cut->author == author;
  if (arrival.order == Order::leave) {
    if (is_cut && cut->number <= arrival.since) timeline.cuts.erase(cut);
    stop_following(author, arrival.since, timeline);
    return;
  }
  if (is_cut && cut->number > arrival.since) {
    if (arrival.order == Order::post) ++timeline.cancelled;
    return;
  }
  switch (arrival.order) {
    case Order::join: {
      auto followed = place_of(timeline.follows, author, &Followed::author);
      if (followed == timeline.follows.end() || followed->author != author) followed = timeline.follows.insert(followed, Followed{});
      *followed = {author, arrival.since, arrival.celebrity};
      for (const auto& post : arrival.recent) keep(post, timeline);
      break;
    }
    case Order::post:
      ++timeline.done;
      keep(arrival.post, timeline);
      break;
    case Order::remove:
      // What the removed post had pushed out of reach stays out, and it may be gone before anybody has looked.
      std::erase_if(timeline.posts, [&](const Post& post) {
        return post.number == arrival.post.number || (post.author == author && post.sequence <= arrival.post.sequence - options_.length);
      });
      break;
    case Order::to_celebrity:
    case Order::to_ordinary:
      if (auto* followed = find_in(timeline.follows, author, &Followed::author)) followed->celebrity = arrival.celebrity;
      drop_posts_of(author, timeline);
      for (const auto& post : arrival.recent) keep(post, timeline);
      break;
    case Order::leave: break;
  }
}

// What a page may show of it, newest first.
std::vector<Post> Timelines::within_reach(const Timeline& timeline) const {
  std::map<std::int64_t, std::int64_t> latest;  // of each author, the sequence
  std::vector<Post> shown;
  for (auto post = timeline.posts.rbegin(); post != timeline.posts.rend(); ++post)
    if (post->sequence > latest.emplace(post->author, post->sequence).first->second - options_.length) shown.push_back(*post);
  return shown;
}

void Timelines::on(const Touch& touch, Timeline& timeline, mailroom::Context& context) {
  begin(timeline, touch.reader, context);
  switch (touch.ask) {
    case Ask::read: read(timeline, false, context); return;
    case Ask::unblock: context.emit(BlockAcknowledged{touch.reader, touch.other, touch.number, true}); return;
    case Ask::block: context.emit(BlockAcknowledged{touch.reader, touch.other, touch.number, false}); break;
    case Ask::cut: break;
  }
  stop_following(touch.other, touch.number, timeline);
  auto at = place_of(timeline.cuts, touch.other, &Cut::author);
  if (at == timeline.cuts.end() || at->author != touch.other) at = timeline.cuts.insert(at, Cut{touch.other, 0});
  at->number = touch.number;
}

void Timelines::on(const Interacted& interacted, Timeline& timeline, mailroom::Context& context) noexcept {
  begin(timeline, interacted.reader, context);
  auto at = place_of(timeline.interests, interacted.author, &Interest::author);
  if (at == timeline.interests.end() || at->author != interacted.author)
    at = timeline.interests.insert(at, Interest{interacted.author, 0});
  ++at->times;
}

TimelineShown Timelines::answer(const ShowTimeline& question, const Timeline& timeline, const mailroom::AnswerContext&) const {
  const auto most = static_cast<std::size_t>(std::clamp<std::int64_t>(question.most, 0, options_.length));
  TimelineShown shown{within_reach(timeline), {}, timeline.interests};
  const bool incomplete = shown.posts.size() < most && timeline.let_go > 0;
  if (shown.posts.size() > most) shown.posts.resize(most);
  for (const auto& followed : timeline.follows)
    if (followed.celebrity || incomplete) shown.pull.push_back(followed.author);
  return shown;
}

void Timelines::read(Timeline& timeline, bool last, mailroom::Context& context) const {
  auto shown = answer({options_.length}, timeline, {});
  ++timeline.pages;
  for (const auto author : shown.pull) context.emit(Pull{author, timeline.reader, timeline.pages});
  context.emit(PageBegun{timeline.reader, timeline.pages, static_cast<std::int64_t>(shown.pull.size()), last, std::move(shown.posts),
                         std::move(shown.interests)});
}

void Timelines::on(const Due&, Timeline& timeline, mailroom::Context& context) {
  read(timeline, true, context);
  context.emit(FanOutTally{"timelines", timeline.reader, 0, timeline.done, timeline.cancelled});
}

}  // namespace feed
