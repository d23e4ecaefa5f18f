#include "scenarios/feed/outboxes.hpp"

namespace feed {

void Outboxes::on(const Outgoing& outgoing, Outbox& outbox, mailroom::Context&) {
  if (outgoing.removes) {
    erase_post(outbox.posts, outgoing.post.number);
    return;
  }
  insert_post(outbox.posts, outgoing.post);
  std::erase_if(outbox.posts, [&](const Post& old) { return old.sequence <= outgoing.post.sequence - options_.length; });
}

void Outboxes::on(const Pull& pull, Outbox& outbox, mailroom::Context& context) {
  context.emit(Pulled{pull.reader, pull.page, pull.author, outbox.posts});
}

}  // namespace feed
