#include "scenarios/feed/outboxes.hpp"

namespace feed {

void Outboxes::on(const Outgoing& outgoing, Outbox& outbox, mailroom::Context&) noexcept {
  if (outgoing.removes) {
    erase_post(outbox.posts, outgoing.post.number);
    return;
  }
  insert_post(outbox.posts, outgoing.post);
  drop_beyond_reach(outbox.posts, outgoing.post.sequence, options_.length);
}

void Outboxes::on(const Pull& pull, Outbox& outbox, mailroom::Context& context) noexcept {
  context.emit(Pulled{pull.reader, pull.page, pull.author, outbox.posts});
}

}  // namespace feed
