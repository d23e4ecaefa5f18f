// The feed's actors alone, in the races that a feed has; and whole runs of it, held against its checker.
#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include <mailroom/testing.hpp>

#include "cluster/node.hpp"
#include "scenarios/feed/check/feed_model.hpp"
#include "scenarios/feed/fanout.hpp"
#include "scenarios/feed/generator.hpp"
#include "scenarios/feed/graph.hpp"
#include "scenarios/feed/intake.hpp"
#include "scenarios/feed/messages.hpp"
#include "scenarios/feed/notifications.hpp"
#include "scenarios/feed/reading.hpp"

namespace feed {
namespace {

namespace fs = std::filesystem;
using mailroom::testing::ActorTest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Post post(std::int64_t number, std::int64_t author = 1, std::int64_t sequence = 0) {
  return {number, author, sequence > 0 ? sequence : number, Timestamp{number}};
}
Spread spread(Order order, std::int64_t reader = 0, std::int64_t number = 0) { return {16, 1, reader, number, order, false, post(number), {}}; }

template <class E>
std::vector<std::int64_t> readers_of(const std::vector<E>& arrivals) {
  std::vector<std::int64_t> readers;
  for (const auto& arrival : arrivals) readers.push_back(arrival.reader);
  return readers;
}

// --- fan-out ----------------------------------------------------------------------------------------------------

class FanOutTest : public ::testing::Test {
 protected:
  void join(std::int64_t readers) {
    for (std::int64_t reader = 1; reader <= readers; ++reader) send(spread(Order::join, reader, reader));
    fan_out.take<Arrival>();
  }
  void send(const Spread& order) { fan_out.send(order, {.key = "16"}); }
  void next_slice() { fan_out.advance(std::chrono::milliseconds(1)); }
  ActorTest<FanOut> fan_out{nlohmann::json{{"slice", 2}}};
};

TEST_F(FanOutTest, ManyFollowersAreToldInSlicesAndPostsKeepTheirOrder) {
  join(3);
  send(spread(Order::post, 0, 100));
  send(spread(Order::post, 0, 101));
  EXPECT_THAT(readers_of(fan_out.take<Arrival>()), ElementsAre(1, 2)) << "the rest must wait for its next turn";
  next_slice();
  auto arrivals = fan_out.take<Arrival>();
  ASSERT_THAT(readers_of(arrivals), ElementsAre(3, 1));
  EXPECT_EQ(arrivals[0].post.number, 100);
  EXPECT_EQ(arrivals[1].post.number, 101);
  next_slice();
  EXPECT_THAT(readers_of(fan_out.take<Arrival>()), ElementsAre(2, 3));
}

TEST_F(FanOutTest, WhoLeavesMeanwhileGetsNoMoreAndWhoJoinsNothingOfBefore) {
  join(4);
  send(spread(Order::post, 0, 100));
  send(spread(Order::leave, 3, 200));
  send(spread(Order::join, 5, 201));
  fan_out.take<Arrival>();
  next_slice();
  EXPECT_THAT(readers_of(fan_out.take<Arrival>()), ElementsAre(4));
  const auto chunk = fan_out.state("16");
  EXPECT_EQ(chunk.done, 3);
  EXPECT_EQ(chunk.cancelled, 1);
}

TEST_F(FanOutTest, ARemovalOvertakesThePost) {
  join(4);
  send(spread(Order::post, 0, 100));
  EXPECT_THAT(readers_of(fan_out.take<Arrival>()), ElementsAre(1, 2));
  send(spread(Order::remove, 0, 100));
  for (int i = 0; i < 3; ++i) next_slice();
  for (const auto& arrival : fan_out.take<Arrival>()) EXPECT_EQ(arrival.order, Order::remove);
  EXPECT_EQ(fan_out.state("16").cancelled, 2);
}

// --- timelines --------------------------------------------------------------------------------------------------

class TimelinesTest : public ::testing::Test {
 protected:
  void arrive(Order order, std::int64_t author, std::int64_t since, Post what = {}, std::vector<Post> recent = {}, bool celebrity = false) {
    timelines.send(Arrival{7, author, since, order, celebrity, what, std::move(recent)}, {.key = "7"});
  }
  void touch(Ask ask, std::int64_t other, std::int64_t number) { timelines.send(Touch{7, other, number, ask}, {.key = "7"}); }
  std::vector<std::int64_t> shown() {
    std::vector<std::int64_t> numbers;
    const auto answer = timelines.ask<TimelineShown>("7", ShowTimeline{});
    for (const auto& one : answer->posts) numbers.push_back(one.number);
    return numbers;
  }
  ActorTest<Timelines> timelines{nlohmann::json{{"length", 4}}};
};

TEST_F(TimelinesTest, WhatIsOnItsWayWhenTheReaderUnfollowsIsCancelled) {
  arrive(Order::join, 1, 10, {}, {post(5)});
  touch(Ask::cut, 1, 20);
  EXPECT_THAT(shown(), IsEmpty());
  arrive(Order::post, 1, 10, post(15));
  EXPECT_THAT(shown(), IsEmpty());
  EXPECT_EQ(timelines.state("7").cancelled, 1);
  arrive(Order::leave, 1, 20);
  EXPECT_THAT(timelines.state("7").cuts, IsEmpty()) << "nothing older can come any more";
  arrive(Order::join, 1, 30, {}, {post(5, 1, 1), post(15, 1, 2)});
  EXPECT_THAT(shown(), ElementsAre(15, 5));
}

TEST_F(TimelinesTest, AnOldLeaveDoesNotEndANewFollowing) {
  touch(Ask::cut, 1, 20);
  touch(Ask::cut, 1, 40);
  arrive(Order::leave, 1, 20);
  arrive(Order::join, 1, 30);
  EXPECT_THAT(timelines.state("7").follows, IsEmpty()) << "it was ended by 40 before it began here";
  arrive(Order::leave, 1, 40);
  arrive(Order::join, 1, 50, {}, {post(45)});
  arrive(Order::leave, 1, 40);
  EXPECT_THAT(shown(), ElementsAre(45));
}

TEST_F(TimelinesTest, EachPostOnceNewestFirstAndNoMoreThanAreKept) {
  arrive(Order::join, 1, 1);
  arrive(Order::join, 2, 2);
  for (std::int64_t n = 10; n < 20; ++n) arrive(Order::post, 1 + n % 2, 1 + n % 2, post(n, 1 + n % 2, n / 2));
  arrive(Order::post, 2, 2, post(19, 2, 9));
  EXPECT_THAT(shown(), ElementsAre(19, 18, 17, 16));
  EXPECT_THAT(timelines.state("7").posts, SizeIs(6));
}

TEST_F(TimelinesTest, OfAnAuthorTheLatestAreShownAlsoIfTheLatestIsRemoved) {
  arrive(Order::join, 1, 1);
  for (std::int64_t n = 1; n <= 5; ++n) arrive(Order::post, 1, 1, post(10 + n, 1, n));
  EXPECT_THAT(shown(), ElementsAre(15, 14, 13, 12));
  arrive(Order::remove, 1, 1, post(15, 1, 5));
  EXPECT_THAT(shown(), ElementsAre(14, 13, 12)) << "what it had pushed out stays out";
  arrive(Order::remove, 1, 1, post(16, 1, 6));
  EXPECT_THAT(shown(), ElementsAre(14, 13)) << "and so it is with one that never came: its removal has overtaken it";
}

TEST_F(TimelinesTest, AShortTimelineThatHasLetPostsGoIsCompletedByPulling) {
  arrive(Order::join, 1, 1);
  arrive(Order::join, 2, 2);
  for (std::int64_t n = 10; n < 20; ++n) arrive(Order::post, 1 + n % 2, 1 + n % 2, post(n, 1 + n % 2, n / 2));
  EXPECT_THAT(timelines.ask<TimelineShown>("7", ShowTimeline{4})->pull, IsEmpty());
  touch(Ask::cut, 2, 100);
  touch(Ask::read, 0, 101);
  const auto pulls = timelines.take<Pull>();
  ASSERT_THAT(pulls, SizeIs(1));
  EXPECT_EQ(pulls[0].author, 1);
  EXPECT_EQ(timelines.take<PageBegun>().at(0).pulls, 1);
}

TEST_F(TimelinesTest, ACelebritysPostsArePulledAndAnOrdinaryAuthorsPushedAgain) {
  arrive(Order::join, 1, 1, {}, {post(5)});
  arrive(Order::to_celebrity, 1, 1, {}, {}, true);
  EXPECT_THAT(shown(), IsEmpty());
  EXPECT_THAT(timelines.ask<TimelineShown>("7", ShowTimeline{})->pull, ElementsAre(1));
  arrive(Order::to_ordinary, 1, 1, {}, {post(6), post(5)});
  EXPECT_THAT(shown(), ElementsAre(6, 5));
}

// --- notifications ----------------------------------------------------------------------------------------------

TEST(Notifications, AreOneForAWindowAndLeaveOutWhoIsBlocked) {
  ActorTest<Notifications> inbox;
  const auto until = inbox.now() + std::chrono::minutes(1);
  const auto news = [&](std::int64_t user, std::int64_t number) { inbox.send(News{9, 5, About::like, until, {{user, number}}}, {.key = "9"}); };
  for (std::int64_t user = 1; user <= 4; ++user) news(user, 10 + user);
  news(4, 18);
  inbox.send(Touch{9, 2, 11, Ask::block}, {.key = "9"});  // before user 2's like, although it comes later
  inbox.send(Touch{9, 3, 19, Ask::block}, {.key = "9"});  // after user 3's
  inbox.advance(std::chrono::minutes(2));
  const auto told = inbox.take<Notification>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].people, 3);
  EXPECT_EQ(told[0].text, "1, 3 and 1 other liked your post 5");
}

TEST(Graph, NobodyFollowsWhomHeBlocksOrWhoBlocksHim) {
  ActorTest<Graph> graph;
  const auto relate = [&](std::int64_t number, Change change) {
    graph.send(Relation{16, 1, 7, number, change, Timestamp{}, {}}, {.key = "16"});
  };
  relate(1, Change::author_blocks);
  relate(2, Change::follow);
  EXPECT_FALSE(graph.state("16").ties.at(0).since > 0);
  relate(3, Change::author_unblocks);
  relate(4, Change::follow);
  relate(5, Change::reader_blocks);
  const auto out = graph.take<Follower>();
  ASSERT_THAT(out, SizeIs(3));
  EXPECT_FALSE(out[0].counts);
  EXPECT_TRUE(out[1].joins && out[1].counts);
  EXPECT_TRUE(!out[2].joins && out[2].counts);
}

TEST(Intake, RefusesWhatCannotBeAndWhatCameBefore) {
  ActorTest<Intake> intake;
  intake.send(Action{5, {}, Kind::follow, 1, 2, {}});
  EXPECT_THROW(intake.send(Action{5, {}, Kind::follow, 1, 3, {}}), mailroom::Rejected);
  EXPECT_THROW(intake.send(Action{6, {}, Kind::follow, 1, 1, {}}), mailroom::Rejected);
  EXPECT_THROW(intake.send(Action{6, {}, Kind::like, 0, 5, {}}), mailroom::Rejected);
  EXPECT_THAT(intake.take<Relation>(), SizeIs(1));
}

// --- whole runs -------------------------------------------------------------------------------------------------

nlohmann::json topology(std::int64_t actions) {
  std::ifstream in(fs::path(MAILROOM_SOURCE_DIR) / "scenarios/feed/feed.json");
  auto json = nlohmann::json::parse(in);
  json.erase("library");  // linked into this program
  json["stages"]["actions"]["options"] = {{"actions", actions}, {"users", 200}, {"seed", 7}, {"thresholds", {10, 60, 30}}};
  return json;
}

class FeedRun : public ::testing::Test {
 protected:
  fs::path write(const nlohmann::json& json) {
    std::ofstream(folder_ / "feed.json") << json;
    return folder_ / "feed.json";
  }
  mailroom::cluster::NodeOptions options(const nlohmann::json& json) {
    mailroom::cluster::NodeOptions made;
    made.topology = write(json);
    made.data = folder_ / "data";
    return made;
  }
  std::vector<nlohmann::json> rows(const char* name) { return mailroom::read_json_lines(folder_ / "data/output" / name); }
  mailroom::CheckReport check(mailroom::Source& source) {
    feed_check::FeedModel model{feed_check::Settings{}};
    mailroom::SourceBatch batch;
    for (auto status = mailroom::ReadStatus::more; status == mailroom::ReadStatus::more;) {
      batch.clear();
      status = source.read(batch, 500);
      for (std::size_t i = 0; i < batch.events.size(); ++i) model.take(*static_cast<const Action*>(batch.events.event(i)));
    }
    for (const auto& row : timelines_) model.timelines_row(row);
    for (const auto& row : notifications_) model.notifications_row(row);
    for (const auto& row : fanout_) model.fanout_row(row);
    for (const auto& row : posts_) model.posts_row(row);
    return model.finish();
  }
  void read_outputs() {
    timelines_ = rows("timelines.jsonl");
    notifications_ = rows("notifications.jsonl");
    fanout_ = rows("fanout.jsonl");
    posts_ = rows("posts.jsonl");
  }
  static std::string broken(const mailroom::CheckReport& report) {
    for (const auto& finding : report.findings)
      if (finding.violations > 0) return finding.invariant;
    return {};
  }
  const fs::path folder_ = [] {
    std::string name = fs::temp_directory_path() / "mailroom-feed-XXXXXX";
    return fs::path(::mkdtemp(name.data()));
  }();
  std::vector<nlohmann::json> timelines_, notifications_, fanout_, posts_;
  ~FeedRun() override { fs::remove_all(folder_); }
};

TEST_F(FeedRun, KeepsItsPromisesAndTheCheckerSeesEachThatIsBroken) {
  auto made = options(topology(6000));
  made.durability = mailroom::runtime::Durability::memory;
  mailroom::cluster::Node node(made);
  ASSERT_EQ(node.wait().ending, mailroom::runtime::Ending::finished) << node.wait().reason;
  read_outputs();
  const auto source = [] { return FeedGenerator({.actions = 6000, .users = 200, .seed = 7, .thresholds = {10, 60, 30}}); };
  auto input = source();
  ASSERT_EQ(broken(check(input)), "");

  const auto planted = [&](auto&& plant) {
    const auto kept = std::tuple(timelines_, notifications_, fanout_, posts_);
    plant();
    auto again = source();
    const auto found = broken(check(again));
    std::tie(timelines_, notifications_, fanout_, posts_) = kept;
    return found;
  };
  const auto page = [&](auto&& fits) { return std::find_if(timelines_.begin(), timelines_.end(), [&](const auto& row) { return row["type"] == "Page" && fits(row); }); };
  const auto full_last = [](const auto& row) { return row["last"] == true && row["posts"].size() > 2; };
  EXPECT_EQ(planted([&] { auto& row = *page(full_last); std::swap(row["posts"][0], row["posts"][1]); }),
            "a page: each post once, newest first, per author in order");
  EXPECT_EQ(planted([&] { auto& row = *page(full_last); row["posts"].erase(0); row["authors"].erase(0); }),
            "a timeline at rest = the one recomputed from the input");
  EXPECT_EQ(planted([&] { timelines_.erase(page(full_last)); }), "a timeline at rest = the one recomputed from the input");
  EXPECT_EQ(planted([&] { auto& row = *page(full_last); row["best"].push_back(row["posts"][0]); }), "the best of a page = recomputed");
  EXPECT_EQ(planted([&] {
              auto& row = *page(full_last);
              auto ack = nlohmann::json{{"type", "BlockAcknowledged"}, {"reader", row["reader"]}, {"author", row["authors"][0]}, {"number", 1}, {"ended", false}};
              timelines_.insert(timelines_.begin(), ack);
            }),
            "nothing of a blocked author once the block is acknowledged");
  EXPECT_EQ(planted([&] { std::erase_if(timelines_, [](const auto& row) { return row["type"] == "BlockAcknowledged"; }); }),
            "every block and unblock is acknowledged once");
  EXPECT_EQ(planted([&] { posts_[0]["likes"] = posts_[0]["likes"].get<int>() + 1; }), "likes = number of likers, comments = number of comments");
  EXPECT_EQ(planted([&] { posts_.push_back(posts_[0]); }), "every post is counted once");
  EXPECT_EQ(planted([&] { notifications_.pop_back(); }), "all that must be told is told, and of as many people");
  EXPECT_EQ(planted([&] { notifications_[0]["recipient"] = 100'000; }), "all that must be told is told, and of as many people");
  EXPECT_EQ(planted([&] {
              auto made_up = notifications_[0];
              made_up["recipient"] = 100'000;
              notifications_.push_back(made_up);
            }),
            "nothing is told that has not happened");
  EXPECT_EQ(planted([&] { for (auto& row : fanout_) if (row["stage"] == "timelines") { row["done"] = row["done"].get<int>() + 1; break; } }),
            "planned fan-out = done + cancelled");
}

TEST_F(FeedRun, KeepsItsPromisesOnTheRealMessageNetwork) {
  const auto data = fs::path(MAILROOM_SOURCE_DIR).parent_path() / "shared/data/social/messages.txt";
  if (!fs::exists(data)) GTEST_SKIP() << data << " is not there: the real message network is not part of the project";
  auto made = options(topology(1));
  made.input = data.string();
  mailroom::cluster::Node node(made);
  ASSERT_EQ(node.wait().ending, mailroom::runtime::Ending::finished) << node.wait().reason;
  read_outputs();
  mailroom::SourceSettings settings;
  settings.path = data.string();
  MessageNetwork network({}, settings);
  EXPECT_EQ(broken(check(network)), "");
}

TEST_F(FeedRun, ATimelineIsAnsweredWhileItRuns) {
  auto json = topology(1);
  std::ofstream actions(folder_ / "actions.jsonl");
  json["stages"]["actions"] = {{"source", "tail"}, {"path", "actions.jsonl"}, {"event", "Action"}, {"time", "at"}};
  json["clock"] = "wall";
  json["stages"]["intake"]["options"]["celebrity_above"] = 2;
  mailroom::cluster::Node node(options(json));
  std::int64_t number = 0;
  const auto act = [&](Kind kind, std::int64_t user, std::int64_t target = 0) {
    actions << mailroom::value_to_json(Action{++number, Timestamp{number}, kind, user, target, {}}).dump() << std::endl;
    return number;
  };
  for (const std::int64_t reader : {7, 8, 9}) act(Kind::follow, reader, 1);  // user 1 is a celebrity now
  act(Kind::follow, 7, 2);
  const auto a = act(Kind::post, 1), b = act(Kind::post, 2), c = act(Kind::post, 1);
  act(Kind::like, 7, b);
  std::optional<Page> page;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    page = read_page(node, 7);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (std::chrono::steady_clock::now() < until && (!page || page->posts.size() < 3 || page->best.front() != b));
  ASSERT_TRUE(page.has_value());
  EXPECT_THAT(page->posts, ElementsAre(c, b, a));
  EXPECT_THAT(page->best, ElementsAre(b, c, a)) << "the author whom the reader likes comes first";
  EXPECT_EQ(page->pulled, 1) << "user 1's posts are pulled, user 2's were pushed";
  EXPECT_FALSE(read_page(node, 12345).has_value());
}

TEST(FeedSources, GoOnInTheMiddle) {
  const auto rest = [](mailroom::Source& source, std::size_t skip) {
    mailroom::SourceBatch batch;
    while (source.read(batch, skip == 0 ? 1000 : skip) == mailroom::ReadStatus::more && skip == 0) {
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < batch.events.size(); ++i)
      texts.push_back(mailroom::value_to_json(*static_cast<const Action*>(batch.events.event(i))).dump());
    return texts;
  };
  const auto goes_on = [&](auto&& make) {
    auto whole = make(), first = make(), second = make();
    auto all = rest(whole, 0);
    const auto before = rest(first, 137);
    second.seek(first.position());
    const auto after = rest(second, 0);
    ASSERT_GT(after.size(), 10u);
    auto joined = before;
    joined.insert(joined.end(), after.begin(), after.end());
    EXPECT_EQ(joined, all);
  };
  goes_on([] { return FeedGenerator({.actions = 400, .users = 20, .thresholds = {5}}); });
  const auto file = fs::temp_directory_path() / ("mailroom-feed-messages-" + std::to_string(::getpid()));
  {
    std::ofstream out(file);
    out << "src dst time\n";
    for (int i = 0; i < 200; ++i) out << 1 + i % 7 << ' ' << 1 + (i * 3 + 1) % 11 << ' ' << 1000 + i << '\n';
  }
  mailroom::SourceSettings settings;
  settings.path = file.string();
  goes_on([&] { return MessageNetwork({}, settings); });
  fs::remove(file);
}

}  // namespace
}  // namespace feed
