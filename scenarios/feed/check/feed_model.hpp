// The feed worked out anew, without stages: every action in the order of the input, one after the other, and what each
// reader must see and be told once all is done. Then a run's output is held against it, row by row.
#pragma once

#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <mailroom/check_report.hpp>
#include <mailroom/seeded_choice.hpp>

#include "scenarios/feed/notifications.hpp"
#include "scenarios/feed/pages.hpp"
#include "scenarios/feed/posts.hpp"
#include "scenarios/feed/timelines.hpp"

namespace feed_check {

// The options that say what the output must be.
struct Settings {
  std::int64_t length = 50, best = 10;
  feed::microseconds window = std::chrono::minutes(15);
  // Of a topology, as JSON, that `mailroom check` finds nothing wrong with.
  static Settings of(const nlohmann::json& topology);
};

class FeedModel {
 public:
  explicit FeedModel(const Settings& settings) : settings_(settings) {}

  // Some events were given up on, or done late: what the output has must be right, and need not be all. Said before the rest.
  void some_is_missing() { all_is_there_ = false; }
  void take(const feed::Action& action);
  // A row of timelines.jsonl (with its "type"), in the order of the file; of notifications.jsonl; fanout.jsonl; posts.jsonl.
  void timelines_row(const nlohmann::json& row);
  void notifications_row(const nlohmann::json& row);
  void fanout_row(const nlohmann::json& row);
  void posts_row(const nlohmann::json& row);
  // Once all actions and rows are in.
  [[nodiscard]] mailroom::CheckReport finish();

  [[nodiscard]] std::int64_t actions() const { return actions_; }
  [[nodiscard]] std::int64_t refused() const { return refused_; }
  [[nodiscard]] std::size_t pulled_pages() const { return pulled_pages_; }
  [[nodiscard]] std::size_t pages() const { return pages_; }
  [[nodiscard]] std::int64_t notifications() const { return notifications_; }
  [[nodiscard]] std::int64_t people_told() const { return people_told_; }
  [[nodiscard]] std::int64_t deliveries() const { return done_; }

 private:
  using Pair = std::pair<std::int64_t, std::int64_t>;
  struct HashPair {
    std::size_t operator()(const Pair& pair) const {
      return mailroom::scramble(static_cast<std::uint64_t>(pair.first) ^ mailroom::scramble(static_cast<std::uint64_t>(pair.second)));
    }
  };
  struct Tie {
    bool follows = false, reader_blocks = false, author_blocks = false, told = false;
  };
  struct Thread {
    std::int64_t author = 0, sequence = 0, comments = 0;
    feed::Timestamp at;
    bool removed = false, tallied = false;
    std::map<std::int64_t, bool> likers;
  };
  struct NewsKey {
    std::int64_t recipient, post, until;
    feed::About about;
    auto operator<=>(const NewsKey&) const = default;
  };

  void relate(const feed::Action& action);
  void react(const feed::Action& action);
  void tell(std::int64_t recipient, feed::About about, std::int64_t post, const feed::Action& by);
  [[nodiscard]] std::vector<feed::Post> reachable_of(std::int64_t author);
  void check_final_pages(mailroom::CheckReport& report);

  const Settings settings_;
  bool all_is_there_ = true;
  std::int64_t actions_ = 0, refused_ = 0, last_number_ = 0;
  std::unordered_map<Pair, Tie, HashPair> ties_;  // (reader, author)
  std::unordered_map<std::int64_t, Thread> threads_;
  std::unordered_map<std::int64_t, std::vector<std::int64_t>> posts_of_;  // author -> numbers
  std::unordered_map<std::int64_t, std::vector<feed::Interest>> interests_;
  std::map<NewsKey, std::vector<feed::Who>> news_;
  std::unordered_map<std::int64_t, std::vector<feed::Blocking>> blocked_;  // reader -> whom
  std::unordered_map<std::int64_t, std::int64_t> block_actions_;           // number -> reader, not yet acknowledged

  mailroom::CheckReport report_;
  mailroom::CheckedInvariant in_order_{report_, "a page: each post once, newest first, per author in order"};
  mailroom::CheckedInvariant not_blocked_{report_, "nothing of a blocked author once the block is acknowledged"};
  mailroom::CheckedInvariant acknowledged_{report_, "every block and unblock is acknowledged once"};
  mailroom::CheckedInvariant pushed_is_pulled_{report_, "a timeline at rest = the one recomputed from the input"};
  mailroom::CheckedInvariant ranked_{report_, "the best of a page = recomputed"};
  mailroom::CheckedInvariant likes_{report_, "likes = number of likers, comments = number of comments"};
  mailroom::CheckedInvariant tallied_{report_, "every post is counted once"};
  mailroom::CheckedInvariant recount_{report_, "all that must be told is told, and of as many people"};
  mailroom::CheckedInvariant made_up_{report_, "nothing is told that has not happened"};
  mailroom::CheckedInvariant fan_out_{report_, "planned fan-out = done + cancelled"};

  std::unordered_map<std::int64_t, std::unordered_set<std::int64_t>> blocks_in_force_;  // as acknowledged so far
  std::unordered_map<std::int64_t, nlohmann::json> last_pages_;                         // by reader
  std::map<NewsKey, std::int64_t> told_;
  std::size_t pages_ = 0, pulled_pages_ = 0;
  std::int64_t notifications_ = 0, people_told_ = 0, planned_ = 0, sent_ = 0, cancelled_ = 0, done_ = 0;
};

}  // namespace feed_check
