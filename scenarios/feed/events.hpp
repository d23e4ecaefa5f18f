// Everything that one stage of the feed says to another.
//
// Actions are numbered in the order of the input; whatever two of them race for is decided by these numbers and by the
// times written in events, never by what happens to arrive first. So a feed at rest is the same after every run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace feed {

using mailroom::Timestamp;
using std::chrono::microseconds;

// --- the input --------------------------------------------------------------------------------------------------

enum class Kind : std::uint8_t { post, remove, comment, like, unlike, follow, unfollow, block, unblock, read, threshold };
MAILROOM_ENUM(Kind, post, remove, comment, like, unlike, follow, unfollow, block, unblock, read, threshold)

// What somebody does. `number` rises from action to action, and is the name of the post that a `post` makes.
struct Action {
  std::int64_t number = 0;
  Timestamp at;
  Kind kind = Kind::read;
  std::int64_t user = 0;               // who; from 1
  std::int64_t target = 0;             // whom, or which post; threshold: the new one
  std::vector<std::int64_t> mentions;  // of a post or comment
};
MAILROOM_SHARED_EVENT(Action, number, at, kind, user, target, mentions)

// --- values -----------------------------------------------------------------------------------------------------

// A post as timelines know it. Of two posts the later one has the higher number; `sequence` counts those of its author.
struct Post {
  std::int64_t number = 0, author = 0, sequence = 0;
  Timestamp at;
};
MAILROOM_STRUCT(Post, number, author, sequence, at)

inline bool newer(const Post& a, const Post& b) { return a.number > b.number; }

// Above how many followers an author is a celebrity, and the action that said so: the latest counts.
struct Threshold {
  std::int64_t followers = 0, said = 0;
};
MAILROOM_STRUCT(Threshold, followers, said)

// Who did something, by which action.
struct Who {
  std::int64_t user = 0, number = 0;
};
MAILROOM_STRUCT(Who, user, number)

// --- from intake ------------------------------------------------------------------------------------------------

enum class Change : std::uint8_t { follow, unfollow, reader_blocks, author_blocks, reader_unblocks, author_unblocks };
MAILROOM_ENUM(Change, follow, unfollow, reader_blocks, author_blocks, reader_unblocks, author_unblocks)

// Between a reader and an author. `chunk` is the part of the author's followers to which the reader belongs.
struct Relation {
  std::int64_t chunk = 0, author = 0, reader = 0, number = 0;
  Change change = Change::follow;
  Timestamp at;
  Threshold threshold;
};
MAILROOM_SHARED_EVENT(Relation, chunk, author, reader, number, change, at, threshold)

// To the author (fan-out) and to the post (what is said of it).
struct Publish {
  std::int64_t author = 0, post = 0, number = 0;
  bool removes = false;
  Timestamp at;
  std::vector<std::int64_t> mentions;
  Threshold threshold;
};
MAILROOM_SHARED_EVENT(Publish, author, post, number, removes, at, mentions, threshold)

struct React {
  std::int64_t post = 0, user = 0, number = 0;
  Kind kind = Kind::like;  // like, unlike, comment
  Timestamp at;
  std::vector<std::int64_t> mentions;
};
MAILROOM_SHARED_EVENT(React, post, user, number, kind, at, mentions)

enum class Ask : std::uint8_t { read, cut, block, unblock };
MAILROOM_ENUM(Ask, read, cut, block, unblock)

// Straight to the reader, past all that is on its way to him.
struct Touch {
  std::int64_t reader = 0, other = 0, number = 0;
  Ask ask = Ask::read;
};
MAILROOM_SHARED_EVENT(Touch, reader, other, number, ask)

// --- on its way to the readers ----------------------------------------------------------------------------------

// As the graph decided. `counts`: the number of followers changes.
struct Follower {
  std::int64_t chunk = 0, author = 0, reader = 0, number = 0;
  bool joins = false, counts = false;
  Threshold threshold;
};
MAILROOM_SHARED_EVENT(Follower, chunk, author, reader, number, joins, counts, threshold)

enum class Order : std::uint8_t { post, remove, join, leave, to_celebrity, to_ordinary };
MAILROOM_ENUM(Order, post, remove, join, leave, to_celebrity, to_ordinary)

// From an author to one chunk of the followers. `recent`: what one who joins, or all of an ordinary author again, must have.
struct Spread {
  std::int64_t chunk = 0, author = 0, reader = 0, number = 0;
  Order order = Order::post;
  bool celebrity = false;
  Post post{};
  std::vector<Post> recent{};
};
MAILROOM_SHARED_EVENT(Spread, chunk, author, reader, number, order, celebrity, post, recent)

// To one reader. `since`: the follow by which he gets it.
struct Arrival {
  std::int64_t reader = 0, author = 0, since = 0;
  Order order = Order::post;
  bool celebrity = false;
  Post post{};
  std::vector<Post> recent{};
};
MAILROOM_SHARED_EVENT(Arrival, reader, author, since, order, celebrity, post, recent)

// The reader has liked or commented: his interest in that author.
struct Interacted {
  std::int64_t reader = 0, author = 0;
};
MAILROOM_SHARED_EVENT(Interacted, reader, author)

// --- reading ----------------------------------------------------------------------------------------------------

// What an author has published, for those who pull.
struct Outgoing {
  std::int64_t author = 0;
  bool removes = false;
  Post post;
};
MAILROOM_SHARED_EVENT(Outgoing, author, removes, post)

struct Pull {
  std::int64_t author = 0, reader = 0, page = 0;
};
MAILROOM_SHARED_EVENT(Pull, author, reader, page)

struct Pulled {
  std::int64_t reader = 0, page = 0, author = 0;
  std::vector<Post> posts;
};
MAILROOM_SHARED_EVENT(Pulled, reader, page, author, posts)

// How often a reader has liked or commented an author's posts.
struct Interest {
  std::int64_t author = 0, times = 0;
};
MAILROOM_STRUCT(Interest, author, times)

// The pushed part of a page; `pulls` answers are to come.
struct PageBegun {
  std::int64_t reader = 0, page = 0, pulls = 0;
  bool last = false;
  std::vector<Post> posts;
  std::vector<Interest> interests;
};
MAILROOM_SHARED_EVENT(PageBegun, reader, page, pulls, last, posts, interests)

// What the reader sees: newest first, and the best of it by rank.
struct Page {
  std::int64_t reader = 0, page = 0, pulled = 0;  // pulled: from so many authors
  bool last = false;                              // the one at the end of the input
  std::vector<std::int64_t> posts, authors, best;
};
MAILROOM_SHARED_EVENT(Page, reader, page, pulled, last, posts, authors, best)

// From here on nothing of `author` is shown to `reader`, or (ended) it may be again.
struct BlockAcknowledged {
  std::int64_t reader = 0, author = 0, number = 0;
  bool ended = false;
};
MAILROOM_SHARED_EVENT(BlockAcknowledged, reader, author, number, ended)

// --- notifications ----------------------------------------------------------------------------------------------

enum class About : std::uint8_t { like, comment, mention, follow };
MAILROOM_ENUM(About, like, comment, mention, follow)

// Something to tell, of one window of time.
struct News {
  std::int64_t recipient = 0, post = 0;  // follow: no post
  About about = About::like;
  Timestamp until;
  std::vector<Who> who;
};
MAILROOM_SHARED_EVENT(News, recipient, post, about, until, who)

struct Notification {
  std::int64_t recipient = 0, post = 0;
  About about = About::like;
  Timestamp until;
  std::int64_t people = 0;
  std::string text;
};
MAILROOM_SHARED_EVENT(Notification, recipient, post, about, until, people, text)

// --- at the end of the input ------------------------------------------------------------------------------------

// What a stage counted for one of its keys.
struct FanOutTally {
  std::string stage;
  std::int64_t key = 0, planned = 0, done = 0, cancelled = 0;
};
MAILROOM_SHARED_EVENT(FanOutTally, stage, key, planned, done, cancelled)

struct PostTally {
  std::int64_t post = 0, author = 0, likes = 0, comments = 0;
  bool removed = false;
};
MAILROOM_SHARED_EVENT(PostTally, post, author, likes, comments, removed)

// --- timers -----------------------------------------------------------------------------------------------------

enum class For : std::uint8_t { window, more, end };
MAILROOM_ENUM(For, window, more, end)

struct Due {
  For what = For::window;
  Timestamp until;
};
MAILROOM_SHARED_EVENT(Due, what, until)

// With "clock": "events" this comes when all input is done.
constexpr Timestamp end_of_time{253'402'214'400'000'000};  // 9999-12-31

// The end of the window that holds `at`: windows are aligned, so they don't depend on who came first.
inline Timestamp window_end(Timestamp at, microseconds length) {
  const auto n = at.micros / length.count();
  return {(n + 1) * length.count()};
}

// In a vector ordered by the member `by`: where `value` is, or belongs.
template <class T, class M>
auto place_of(std::vector<T>& all, std::int64_t value, M T::*by) {
  return std::lower_bound(all.begin(), all.end(), value, [by](const T& one, std::int64_t v) { return one.*by < v; });
}
template <class T, class M>
T* find_in(std::vector<T>& all, std::int64_t value, M T::*by) {
  const auto at = place_of(all, value, by);
  return at != all.end() && (*at).*by == value ? &*at : nullptr;
}

// Most of many keys are at rest: a list with nothing in it then takes no memory.
template <class T>
void let_go_if_empty(std::vector<T>& list) {
  if (list.empty()) std::vector<T>().swap(list);
}

// Lists of posts hold the oldest first: the next one almost always belongs at the end.
// False: it is there already.
inline bool insert_post(std::vector<Post>& posts, const Post& post) {
  if (posts.empty() || posts.back().number < post.number) {
    posts.push_back(post);
    return true;
  }
  const auto at = place_of(posts, post.number, &Post::number);
  if (at->number == post.number) return false;
  posts.insert(at, post);
  return true;
}
// The post that was there; nothing: there was none.
inline std::optional<Post> erase_post(std::vector<Post>& posts, std::int64_t number) {
  const auto at = place_of(posts, number, &Post::number);
  if (at == posts.end() || at->number != number) return std::nullopt;
  const auto post = *at;
  posts.erase(at);
  return post;
}
// Of an author's own posts those that a later one, of this sequence, has pushed out of reach.
inline void drop_beyond_reach(std::vector<Post>& posts, std::int64_t latest, std::int64_t length) {
  const auto kept = std::find_if(posts.begin(), posts.end(), [&](const Post& old) { return old.sequence > latest - length; });
  posts.erase(posts.begin(), kept);
}

}  // namespace feed
