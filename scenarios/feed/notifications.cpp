#include "scenarios/feed/notifications.hpp"

#include <fmt/format.h>

namespace feed {

std::string notification_text(About about, std::int64_t post, const std::vector<Who>& who) {
  const auto names = who.size() == 1   ? fmt::format("{}", who[0].user)
                     : who.size() == 2 ? fmt::format("{} and {}", who[0].user, who[1].user)
                                       : fmt::format("{}, {} and {} other{}", who[0].user, who[1].user, who.size() - 2, who.size() == 3 ? "" : "s");
  switch (about) {
    case About::like: return fmt::format("{} liked your post {}", names, post);
    case About::comment: return fmt::format("{} commented on your post {}", names, post);
    case About::mention: return fmt::format("{} mentioned you at post {}", names, post);
    case About::follow: return fmt::format("{} follow{} you", names, who.size() == 1 ? "s" : "");
  }
  return names;
}

std::vector<Who> each_once(std::vector<Who> who) {
  std::sort(who.begin(), who.end(), [](const Who& a, const Who& b) { return std::pair{a.user, a.number} < std::pair{b.user, b.number}; });
  who.erase(std::unique(who.begin(), who.end(), [](const Who& a, const Who& b) { return a.user == b.user; }), who.end());
  std::sort(who.begin(), who.end(), [](const Who& a, const Who& b) { return a.number < b.number; });
  return who;
}

void Notifications::on(const News& news, Inbox& inbox, mailroom::Context& context) noexcept {
  bool timer = false;
  News* same = nullptr;
  for (auto& pending : inbox.pending) {
    timer = timer || pending.until == news.until;
    if (pending.until == news.until && pending.about == news.about && pending.post == news.post) same = &pending;
  }
  if (!timer) context.at(news.until + std::chrono::milliseconds(1), Due{For::window, news.until});
  if (same == nullptr) {
    inbox.pending.push_back(news);
    return;
  }
  same->who.insert(same->who.end(), news.who.begin(), news.who.end());
}

void Notifications::on(const Touch& touch, Inbox& inbox, mailroom::Context&) noexcept {
  if (touch.ask != Ask::block && touch.ask != Ask::unblock) return;
  for (auto& blocking : inbox.blocked)
    if (blocking.user == touch.other && blocking.to == 0) {
      if (touch.ask == Ask::unblock) blocking.to = touch.number;
      return;
    }
  if (touch.ask == Ask::block) inbox.blocked.push_back({touch.other, touch.number, 0});
}

void Notifications::on(const Due& due, Inbox& inbox, mailroom::Context& context) {
  std::vector<News> ready;
  std::erase_if(inbox.pending, [&](News& news) {
    if (news.until != due.until) return false;
    ready.push_back(std::move(news));
    return true;
  });
  let_go_if_empty(inbox.pending);
  std::sort(ready.begin(), ready.end(), [](const News& a, const News& b) { return std::pair{a.about, a.post} < std::pair{b.about, b.post}; });
  for (auto& news : ready) {
    std::erase_if(news.who, [&](const Who& who) {
      return std::any_of(inbox.blocked.begin(), inbox.blocked.end(), [&](const Blocking& b) {
        return b.user == who.user && b.from < who.number && (b.to == 0 || who.number < b.to);
      });
    });
    const auto people = each_once(std::move(news.who));
    if (people.empty()) continue;
    context.emit(Notification{news.recipient, news.post, news.about, news.until, static_cast<std::int64_t>(people.size()),
                              notification_text(news.about, news.post, people)});
  }
}

}  // namespace feed
