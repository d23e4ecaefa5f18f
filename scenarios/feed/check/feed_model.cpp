#include "scenarios/feed/check/feed_model.hpp"

#include "scenarios/feed/graph.hpp"
#include "scenarios/feed/intake.hpp"

namespace feed_check {

using feed::About;
using feed::Action;
using feed::Kind;
using nlohmann::json;

Settings Settings::of(const json& topology) {
  const auto& stages = topology.at("stages");
  const auto options = [&](const char* stage) {
    const auto& found = stages.at(stage);
    return found.contains("options") ? found.at("options") : json::object();
  };
  const auto timelines = mailroom::from_json<feed::TimelinesOptions>(options("timelines"));
  const auto pages = mailroom::from_json<feed::PagesOptions>(options("pages"));
  const auto posts = mailroom::from_json<feed::PostsOptions>(options("posts"));
  return {timelines.length, pages.best, posts.window};
}

void FeedModel::take(const Action& action) {
  ++actions_;
  if (action.number <= last_number_ || !feed::fault_of(action).empty()) {
    ++refused_;
    return;
  }
  last_number_ = action.number;
  switch (action.kind) {
    case Kind::post: {
      auto& thread = threads_[action.number];
      auto& all = posts_of_[action.user];
      all.push_back(action.number);
      thread.author = action.user;
      thread.sequence = static_cast<std::int64_t>(all.size());
      thread.at = action.at;
      for (const auto user : action.mentions) tell(user, About::mention, action.number, action);
      break;
    }
    case Kind::remove:
      if (const auto found = threads_.find(action.target); found != threads_.end() && found->second.author == action.user)
        found->second.removed = true;
      break;
    case Kind::comment:
    case Kind::like:
    case Kind::unlike: react(action); break;
    case Kind::follow:
    case Kind::unfollow:
    case Kind::block:
    case Kind::unblock: relate(action); break;
    case Kind::read:
    case Kind::threshold: break;
  }
}

void FeedModel::react(const Action& action) {
  const auto found = threads_.find(action.target);
  if (found == threads_.end() || found->second.removed) return;
  auto& thread = found->second;
  const auto interacted = [&] {
    auto& all = interests_[action.user];
    auto at = feed::place_of(all, thread.author, &feed::Interest::author);
    if (at == all.end() || at->author != thread.author) at = all.insert(at, feed::Interest{thread.author, 0});
    ++at->times;
  };
  if (action.kind == Kind::comment) {
    ++thread.comments;
    if (action.user != thread.author) tell(thread.author, About::comment, action.target, action);
    for (const auto user : action.mentions) tell(user, About::mention, action.target, action);
    interacted();
    return;
  }
  const bool likes = action.kind == Kind::like;
  const auto liker = thread.likers.find(action.user);
  if (liker != thread.likers.end()) {
    liker->second = likes;
  } else if (likes) {
    thread.likers.emplace(action.user, true);
    if (action.user != thread.author) tell(thread.author, About::like, action.target, action);
    interacted();
  }
}

void FeedModel::relate(const Action& action) {
  if (action.kind == Kind::follow) {
    auto& tie = ties_[{action.user, action.target}];
    if (tie.follows || tie.reader_blocks || tie.author_blocks) return;
    tie.follows = true;
    if (!tie.told) tell(action.target, About::follow, 0, action);
    tie.told = true;
    return;
  }
  if (action.kind == Kind::unfollow) {
    ties_[{action.user, action.target}].follows = false;
    return;
  }
  const bool blocks = action.kind == Kind::block;
  auto& to = ties_[{action.user, action.target}];
  to.reader_blocks = blocks;
  if (blocks) to.follows = false;
  auto& from = ties_[{action.target, action.user}];
  from.author_blocks = blocks;
  if (blocks) from.follows = false;
  block_actions_.emplace(action.number, action.user);
  auto& all = blocked_[action.user];
  const auto open = std::find_if(all.begin(), all.end(), [&](const feed::Blocking& b) { return b.user == action.target && b.to == 0; });
  if (open == all.end() && blocks) all.push_back({action.target, action.number, 0});
  if (open != all.end() && !blocks) open->to = action.number;
}

void FeedModel::tell(std::int64_t recipient, About about, std::int64_t post, const Action& by) {
  if (recipient == by.user) return;
  news_[{recipient, post, feed::window_end(by.at, settings_.window).micros, about}].push_back({by.user, by.number});
}

void FeedModel::timelines_row(const json& row) {
  const auto reader = row.at("reader").get<std::int64_t>();
  if (row.at("type") == "BlockAcknowledged") {
    const auto number = row.at("number").get<std::int64_t>();
    const auto due = block_actions_.find(number);
    acknowledged_.expect(due != block_actions_.end() && due->second == reader, "reader {}: block {} was not asked for, or is acknowledged twice", reader, number);
    if (due != block_actions_.end()) block_actions_.erase(due);
    if (row.at("ended").get<bool>())
      blocks_in_force_[reader].erase(row.at("author").get<std::int64_t>());
    else
      blocks_in_force_[reader].insert(row.at("author").get<std::int64_t>());
    return;
  }
  ++pages_;
  if (row.at("pulled").get<std::int64_t>() > 0) ++pulled_pages_;
  const auto page = row.at("page").get<std::int64_t>();
  const auto posts = row.at("posts").get<std::vector<std::int64_t>>();
  const auto authors = row.at("authors").get<std::vector<std::int64_t>>();
  bool right = posts.size() == authors.size() && posts.size() <= static_cast<std::size_t>(settings_.length);
  for (std::size_t i = 0; right && i < posts.size(); ++i) {
    const auto thread = threads_.find(posts[i]);
    right = thread != threads_.end() && thread->second.author == authors[i] && (i == 0 || posts[i - 1] > posts[i]);
  }
  in_order_.expect(right, "reader {}, page {}: {}", reader, page, row.dump().substr(0, 300));
  const auto& blocks = blocks_in_force_[reader];
  for (const auto author : authors) not_blocked_.expect(!blocks.contains(author), "reader {}, page {}: a post of {}", reader, page, author);
  if (!row.at("last").get<bool>()) return;
  pushed_is_pulled_.expect(!last_pages_.contains(reader), "reader {} has two last pages", reader);
  last_pages_[reader] = {{"posts", posts}, {"best", row.at("best")}};
}

void FeedModel::notifications_row(const json& row) {
  const auto people = row.at("people").get<std::int64_t>();
  ++notifications_;
  people_told_ += people;
  const auto about = mailroom::from_json<feed::Notification>(row);
  told_[{about.recipient, about.post, about.until.micros, about.about}] += people;
}

void FeedModel::fanout_row(const json& row) {
  const auto done = row.at("done").get<std::int64_t>(), cancelled = row.at("cancelled").get<std::int64_t>();
  planned_ += row.at("planned").get<std::int64_t>();
  cancelled_ += cancelled;
  if (row.at("stage") == "fanout")
    sent_ += done;
  else
    done_ += done;
  if (row.at("stage") == "timelines") sent_ -= done + cancelled;
}

void FeedModel::posts_row(const json& row) {
  const auto post = row.at("post").get<std::int64_t>();
  const auto found = threads_.find(post);
  tallied_.expect(found != threads_.end() && !found->second.tallied, "post {} was not published, or is counted twice", post);
  if (found == threads_.end()) return;
  auto& thread = found->second;
  thread.tallied = true;
  if (!all_is_there_) return;
  const auto likers = std::count_if(thread.likers.begin(), thread.likers.end(), [](const auto& one) { return one.second; });
  const auto likes = row.at("likes").get<std::int64_t>(), comments = row.at("comments").get<std::int64_t>();
  likes_.expect(likes == likers && comments == thread.comments && row.at("removed").get<bool>() == thread.removed && row.at("author") == thread.author,
                "post {}: {} likes, {} likers; {} comments, expected {}", post, likes, likers, comments, thread.comments);
}

// Newest first.
std::vector<feed::Post> FeedModel::reachable_of(std::int64_t author) {
  std::vector<feed::Post> posts;
  const auto& all = posts_of_[author];
  for (auto at = all.rbegin(); at != all.rend() && at - all.rbegin() < settings_.length; ++at)
    if (const auto& thread = threads_.at(*at); !thread.removed) posts.push_back({*at, author, thread.sequence, thread.at});
  return posts;
}

void FeedModel::check_final_pages(mailroom::CheckReport&) {
  std::unordered_map<std::int64_t, std::vector<feed::Post>> reachable;
  std::unordered_map<std::int64_t, std::vector<feed::Post>> timelines;
  for (const auto& [pair, tie] : ties_) {
    if (!tie.follows) continue;
    auto author = reachable.find(pair.second);
    if (author == reachable.end()) author = reachable.emplace(pair.second, reachable_of(pair.second)).first;
    auto& timeline = timelines[pair.first];
    timeline.insert(timeline.end(), author->second.begin(), author->second.end());
    if (timeline.size() > static_cast<std::size_t>(4 * settings_.length)) {
      std::sort(timeline.begin(), timeline.end(), feed::newer);
      timeline.resize(static_cast<std::size_t>(settings_.length));
    }
  }
  for (auto& [reader, timeline] : timelines) {
    std::sort(timeline.begin(), timeline.end(), feed::newer);
    if (timeline.size() > static_cast<std::size_t>(settings_.length)) timeline.resize(static_cast<std::size_t>(settings_.length));
    if (!last_pages_.contains(reader)) pushed_is_pulled_.expect(timeline.empty(), "reader {} has no last page", reader);
  }
  for (const auto& [reader, page] : last_pages_) {
    const auto& timeline = timelines[reader];
    std::vector<std::int64_t> expected;
    for (const auto& post : timeline) expected.push_back(post.number);
    const auto shown = page.at("posts").get<std::vector<std::int64_t>>();
    pushed_is_pulled_.expect(shown == expected, "reader {}: shown {}; expected {}", reader, fmt::join(shown, " "), fmt::join(expected, " "));
    ranked_.expect(page.at("best") == json(feed::ranked(timeline, interests_[reader], static_cast<std::size_t>(settings_.best))),
                   "reader {}: {}", reader, page.at("best").dump());
  }
}

mailroom::CheckReport FeedModel::finish() {
  if (!all_is_there_) {
    for (const auto& [key, who] : news_)
      if (const auto found = told_.find(key); found != told_.end()) {
        recount_.expect(found->second <= static_cast<std::int64_t>(who.size()), "{} of post {} to {}: {} people told, at most {} there are",
                        mailroom::value_to_json(key.about).dump(), key.post, key.recipient, found->second, who.size());
        told_.erase(found);
      }
    made_up_.expect(told_.empty(), "{} notifications of which the input knows nothing", told_.size());
    return std::move(report_);
  }
  for (const auto& [number, reader] : block_actions_) acknowledged_.expect(false, "reader {}: block {} is not acknowledged", reader, number);
  check_final_pages(report_);
  for (const auto& [number, thread] : threads_) tallied_.expect(thread.tallied, "post {} is not counted", number);
  for (auto& [key, who] : news_) {
    const auto& blocked = blocked_[key.recipient];
    std::erase_if(who, [&](const feed::Who& one) {
      return std::any_of(blocked.begin(), blocked.end(), [&](const feed::Blocking& b) {
        return b.user == one.user && b.from < one.number && (b.to == 0 || one.number < b.to);
      });
    });
    const auto people = static_cast<std::int64_t>(feed::each_once(who).size());
    const auto found = told_.find(key);
    const auto told = found == told_.end() ? 0 : found->second;
    recount_.expect(told == people, "{} of post {} to {}: {} people told, expected {}", mailroom::value_to_json(key.about).dump(), key.post, key.recipient,
                    told, people);
    if (found != told_.end()) told_.erase(found);
  }
  made_up_.expect(told_.empty(), "{} notifications of which the input knows nothing", told_.size());
  fan_out_.expect(planned_ == done_ + cancelled_, "planned {}, done {}, cancelled {}", planned_, done_, cancelled_);
  fan_out_.expect(sent_ == 0, "{} more were sent than arrived", sent_);
  return std::move(report_);
}

}  // namespace feed_check
