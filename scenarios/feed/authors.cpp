#include "scenarios/feed/authors.hpp"

namespace feed {

namespace {

// To every chunk that has followers.
void spread(const Author& author, Spread order, mailroom::Context& context) {
  order.author = author.author;
  for (const auto& part : author.chunks) {
    order.chunk = part.chunk;
    context.emit(order);
  }
}

void begin(Author& author, std::int64_t name, const Threshold& threshold, mailroom::Context& context) {
  if (author.author == 0) context.at(end_of_time, Due{For::end, end_of_time});
  author.author = name;
  if (threshold.said >= author.threshold.said) author.threshold = threshold;
}

// Pushed or pulled from now on?
void choose_path(Author& author, mailroom::Context& context) {
  const auto limit = author.threshold.followers;
  if (!author.celebrity && author.followers > limit) {
    author.celebrity = true;
    spread(author, {.order = Order::to_celebrity, .celebrity = true}, context);
  } else if (author.celebrity && author.followers <= limit * 3 / 4) {
    author.celebrity = false;
    spread(author, {.order = Order::to_ordinary, .recent = author.posts}, context);
  }
}

}  // namespace

void Authors::on(const Publish& publish, Author& author, mailroom::Context& context) noexcept {
  begin(author, publish.author, publish.threshold, context);
  choose_path(author, context);
  if (publish.removes) {
    const auto post = erase_post(author.posts, publish.post);
    if (!post) return;  // not his, or out of reach: nobody has it
    if (!author.celebrity) spread(author, {.number = publish.number, .order = Order::remove, .post = *post}, context);
    context.emit(Outgoing{publish.author, true, *post});
    return;
  }
  const Post post{publish.post, publish.author, ++author.sequence, publish.at};
  insert_post(author.posts, post);
  drop_beyond_reach(author.posts, author.sequence, options_.length);
  context.emit(Outgoing{publish.author, false, post});
  if (author.celebrity) return;
  author.planned += author.followers;
  spread(author, {.number = publish.number, .order = Order::post, .post = post}, context);
}

void Authors::on(const Follower& follower, Author& author, mailroom::Context& context) noexcept {
  begin(author, follower.author, follower.threshold, context);
  if (follower.counts) {
    auto at = place_of(author.chunks, follower.chunk, &ChunkSize::chunk);
    if (at == author.chunks.end() || at->chunk != follower.chunk) at = author.chunks.insert(at, ChunkSize{follower.chunk, 0});
    at->followers += follower.joins ? 1 : -1;
    author.followers += follower.joins ? 1 : -1;
    if (at->followers == 0) author.chunks.erase(at);
  }
  Spread order{follower.chunk, follower.author, follower.reader, follower.number, follower.joins ? Order::join : Order::leave,
               author.celebrity, {}, {}};
  if (follower.joins && !author.celebrity) order.recent = author.posts;
  context.emit(std::move(order));
  choose_path(author, context);
}

void Authors::on(const Due&, Author& author, mailroom::Context& context) {
  context.emit(FanOutTally{"authors", author.author, author.planned, 0, 0});
}

}  // namespace feed
