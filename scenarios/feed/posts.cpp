#include "scenarios/feed/posts.hpp"

#include <fmt/format.h>

namespace feed {

void Posts::mention(const std::vector<std::int64_t>& users, Who who, Timestamp at, std::int64_t post, mailroom::Context& context) const {
  for (auto user = users.begin(); user != users.end(); ++user)
    if (*user != who.user && std::find(users.begin(), user, *user) == user)
      context.emit(News{*user, post, About::mention, window_end(at, options_.window), {who}});
}

void Posts::tell_later(About about, const React& react, Thread& thread, mailroom::Context& context) const {
  if (react.user == thread.author) return;
  const auto until = window_end(react.at, options_.window);
  bool timer = false;
  for (const auto& untold : thread.untold) {
    timer = timer || untold.until == until;
    if (untold.about == about && untold.who.user == react.user && untold.until == until) return;
  }
  if (!timer) context.at(until, Due{For::window, until});
  thread.untold.push_back({about, {react.user, react.number}, until});
}

void Posts::on(const Publish& publish, Thread& thread, mailroom::Context& context) {
  if (publish.removes) {
    if (thread.author != publish.author)
      throw mailroom::Rejected(thread.author == 0 ? fmt::format("there is no post {}", publish.post)
                                                  : fmt::format("post {} is of user {}, not {}", publish.post, thread.author, publish.author));
    thread.removed = true;
    return;
  }
  mention(publish.mentions, {publish.author, publish.number}, publish.at, publish.post, context);
  context.at(end_of_time, Due{For::end, end_of_time});
  thread.post = publish.post;
  thread.author = publish.author;
}

void Posts::on(const React& react, Thread& thread, mailroom::Context& context) {
  if (thread.author == 0) throw mailroom::Rejected(fmt::format("there is no post {}", react.post));
  if (thread.removed) return;
  if (react.kind == Kind::comment) {
    mention(react.mentions, {react.user, react.number}, react.at, react.post, context);
    context.emit(Interacted{react.user, thread.author});
    ++thread.comments;
    tell_later(About::comment, react, thread, context);
    return;
  }
  const bool likes = react.kind == Kind::like;
  auto at = place_of(thread.likers, react.user, &Liker::user);
  if (at == thread.likers.end() || at->user != react.user) {
    if (!likes) return;
    context.emit(Interacted{react.user, thread.author});
    at = thread.likers.insert(at, Liker{react.user, false});
    tell_later(About::like, react, thread, context);
  }
  if (at->likes != likes) thread.likes += likes ? 1 : -1;
  at->likes = likes;
}

void Posts::on(const Due& due, Thread& thread, mailroom::Context& context) {
  if (due.what == For::end) {
    context.emit(PostTally{thread.post, thread.author, thread.likes, thread.comments, thread.removed});
    return;
  }
  for (const auto about : {About::like, About::comment}) {
    News news{thread.author, thread.post, about, due.until, {}};
    for (const auto& untold : thread.untold)
      if (untold.about == about && untold.until == due.until) news.who.push_back(untold.who);
    if (!news.who.empty()) context.emit(std::move(news));
  }
  std::erase_if(thread.untold, [&](const Untold& untold) { return untold.until == due.until; });
  let_go_if_empty(thread.untold);
}

}  // namespace feed
