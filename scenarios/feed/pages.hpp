// Keyed by reader: puts a page together from what was pushed and what was pulled, in order, and ranks it. Of an author
// blocked while a page was being put together nothing is on it.
#pragma once

#include "scenarios/feed/events.hpp"
#include "scenarios/feed/ranking.hpp"

namespace feed {

struct PagesOptions {
  std::int64_t length = 50;  // as in timelines
  std::int64_t best = 10;    // of them ranked
};
MAILROOM_OPTIONS(PagesOptions, length, best)

struct OpenPage {
  PageBegun begun;  // begun.page 0: an answer has overtaken it
  std::int64_t page = 0, answers = 0;
  std::vector<Post> posts;
  std::vector<std::int64_t> blocked;
};
MAILROOM_STRUCT(OpenPage, begun, page, answers, posts, blocked)

struct OpenPages {
  std::vector<OpenPage> open;
};
MAILROOM_STATE(OpenPages, open)

class Pages : public mailroom::Actor<OpenPages> {
 public:
  using Options = PagesOptions;
  using Emits = mailroom::Events<Page, BlockAcknowledged>;
  explicit Pages(const PagesOptions& options) : options_(options) {}

  void on(const PageBegun& begun, OpenPages& pages, mailroom::Context& context) noexcept;
  void on(const Pulled& pulled, OpenPages& pages, mailroom::Context& context) noexcept;
  void on(const BlockAcknowledged& block, OpenPages& pages, mailroom::Context& context) noexcept;

 private:
  void show_if_complete(OpenPages& pages, std::int64_t page, mailroom::Context& context) const;
  PagesOptions options_;
};
MAILROOM_ACTOR(Pages, PageBegun, Pulled, BlockAcknowledged)

}  // namespace feed
