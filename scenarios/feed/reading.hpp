// A reader's page, asked for from outside the topology: what was pushed to him and what he pulls, merged in order and ranked.
#pragma once

#include <optional>
#include <string>

#include "scenarios/feed/outboxes.hpp"
#include "scenarios/feed/ranking.hpp"
#include "scenarios/feed/timelines.hpp"

namespace feed {

// `node`: what has ask<R>(stage, key, question) and ask<R>(stage, key), as mailroom::cluster::Node. Each answer is of its
// own moment: a post removed between two of them may be on the page. nullopt: nobody knows the reader, or the node ends.
template <class Node>
std::optional<Page> read_page(Node& node, std::int64_t reader, std::int64_t length = 50, std::int64_t best = 10) {
  const auto shown = node.template ask<TimelineShown>("timelines", std::to_string(reader), ShowTimeline{length});
  if (!shown) return std::nullopt;
  auto posts = shown->posts;
  for (const auto author : shown->pull)
    if (const auto outbox = node.template ask<Outbox>("outboxes", std::to_string(author)))
      posts.insert(posts.end(), outbox->posts.begin(), outbox->posts.end());
  auto page = make_page(std::move(posts), shown->interests, length, best);
  page.reader = reader;
  page.pulled = static_cast<std::int64_t>(shown->pull.size());
  return page;
}

}  // namespace feed
