#include "scenarios/feed/pages.hpp"

namespace feed {

namespace {

OpenPage& open_page(OpenPages& pages, std::int64_t number) {
  auto at = place_of(pages.open, number, &OpenPage::page);
  if (at == pages.open.end() || at->page != number) {
    at = pages.open.insert(at, OpenPage{});
    at->page = number;
  }
  return *at;
}

}  // namespace

void Pages::on(const PageBegun& begun, OpenPages& pages, mailroom::Context& context) noexcept {
  open_page(pages, begun.page).begun = begun;
  show_if_complete(pages, begun.page, context);
}

void Pages::on(const Pulled& pulled, OpenPages& pages, mailroom::Context& context) noexcept {
  auto& page = open_page(pages, pulled.page);
  ++page.answers;
  page.posts.insert(page.posts.end(), pulled.posts.begin(), pulled.posts.end());
  show_if_complete(pages, pulled.page, context);
}

void Pages::on(const BlockAcknowledged& block, OpenPages& pages, mailroom::Context& context) noexcept {
  if (!block.ended)
    for (auto& page : pages.open) page.blocked.push_back(block.author);
  context.emit(block);
}

void Pages::show_if_complete(OpenPages& pages, std::int64_t number, mailroom::Context& context) const {
  const auto at = place_of(pages.open, number, &OpenPage::page);
  auto& page = *at;
  if (page.begun.page == 0 || page.answers < page.begun.pulls) return;
  page.posts.insert(page.posts.end(), page.begun.posts.begin(), page.begun.posts.end());
  std::erase_if(page.posts, [&](const Post& post) {
    return std::find(page.blocked.begin(), page.blocked.end(), post.author) != page.blocked.end();
  });
  auto shown = make_page(std::move(page.posts), page.begun.interests, options_.length, options_.best);
  shown.reader = page.begun.reader;
  shown.page = number;
  shown.pulled = page.begun.pulls;
  shown.last = page.begun.last;
  pages.open.erase(at);
  let_go_if_empty(pages.open);
  context.emit(std::move(shown));
}

}  // namespace feed
