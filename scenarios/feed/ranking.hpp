// What a page is made of, and its best posts: new ones, and those of authors whom the reader likes and comments.
#pragma once

#include <cmath>

#include "scenarios/feed/events.hpp"

namespace feed {

// (1 + times the reader has liked or commented the author) / (hours behind the newest + 2)^1.5, which is how Hacker News
// ranks, with interest in place of votes. `interests` by author. Posts of equal rank: the newer first.
inline std::vector<std::int64_t> ranked(const std::vector<Post>& posts, std::vector<Interest> interests, std::size_t most) {
  struct Ranked {
    double score;
    std::int64_t number;
  };
  Timestamp newest = Timestamp::min();
  for (const auto& post : posts) newest = std::max(newest, post.at);
  std::vector<Ranked> all;
  for (const auto& post : posts) {
    const auto* interest = find_in(interests, post.author, &Interest::author);
    const auto hours = static_cast<double>((newest - post.at).count()) / 3.6e9;
    all.push_back({(interest != nullptr ? 1.0 + static_cast<double>(interest->times) : 1.0) / std::pow(hours + 2, 1.5), post.number});
  }
  const auto count = std::min(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(), [](const Ranked& a, const Ranked& b) {
    return a.score != b.score ? a.score > b.score : a.number > b.number;
  });
  std::vector<std::int64_t> best;
  for (std::size_t i = 0; i < count; ++i) best.push_back(all[i].number);
  return best;
}

// A page made of posts that were pushed and posts that were pulled, each once, newest first; at most `length` of them.
inline Page make_page(std::vector<Post> posts, const std::vector<Interest>& interests, std::int64_t length, std::int64_t best) {
  std::sort(posts.begin(), posts.end(), newer);
  posts.erase(std::unique(posts.begin(), posts.end(), [](const Post& a, const Post& b) { return a.number == b.number; }), posts.end());
  if (posts.size() > static_cast<std::size_t>(length)) posts.resize(static_cast<std::size_t>(length));
  Page page;
  for (const auto& post : posts) {
    page.posts.push_back(post.number);
    page.authors.push_back(post.author);
  }
  page.best = ranked(posts, interests, static_cast<std::size_t>(best));
  return page;
}

}  // namespace feed
