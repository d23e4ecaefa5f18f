#include "scenarios/feed/graph.hpp"

namespace feed {

void Graph::on(const Relation& relation, Ties& state, mailroom::Context& context) noexcept {
  state.author = relation.author;
  auto at = place_of(state.ties, relation.reader, &Tie::reader);
  if (at == state.ties.end() || at->reader != relation.reader) at = state.ties.insert(at, Tie{relation.reader});
  auto& tie = *at;
  const auto leave = [&] {
    // Told also if he did not follow: his timeline waits for it.
    context.emit(Follower{relation.chunk, relation.author, relation.reader, relation.number, false, tie.since > 0, relation.threshold});
    tie.since = 0;
  };
  switch (relation.change) {
    case Change::follow:
      if (tie.since > 0 || tie.reader_blocks || tie.author_blocks) return;
      tie.since = relation.number;
      context.emit(Follower{relation.chunk, relation.author, relation.reader, relation.number, true, true, relation.threshold});
      if (!tie.told) {
        tie.told = true;
        const auto until = window_end(relation.at, options_.window);
        if (std::none_of(state.fresh.begin(), state.fresh.end(), [&](const Fresh& f) { return f.until == until; }))
          context.at(until, Due{For::window, until});
        state.fresh.push_back({{relation.reader, relation.number}, until});
      }
      break;
    case Change::unfollow: leave(); break;
    case Change::reader_blocks:
      tie.reader_blocks = true;
      leave();
      break;
    case Change::author_blocks:
      tie.author_blocks = true;
      leave();
      break;
    case Change::reader_unblocks: tie.reader_blocks = false; break;
    case Change::author_unblocks: tie.author_blocks = false; break;
  }
}

void Graph::on(const Due& due, Ties& state, mailroom::Context& context) {
  News news{state.author, 0, About::follow, due.until, {}};
  std::erase_if(state.fresh, [&](const Fresh& fresh) {
    if (fresh.until != due.until) return false;
    news.who.push_back(fresh.who);
    return true;
  });
  let_go_if_empty(state.fresh);
  if (!news.who.empty()) context.emit(std::move(news));
}

}  // namespace feed
