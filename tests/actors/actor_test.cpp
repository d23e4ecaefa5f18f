// The actor's host: rollback, forgetting, eviction; and ActorTest, which authors use.
#include <gmock/gmock.h>

#include <mailroom/testing.hpp>

namespace actor_test {

using mailroom::Context;
using ::testing::ElementsAre;

struct Put {
  std::string key;
  std::string item;
  bool fail = false;
};
MAILROOM_EVENT(Put, key, item, fail)
struct Forget {
  std::string key;
};
MAILROOM_EVENT(Forget, key)
struct Kept {
  std::int64_t count = 0;
};
MAILROOM_EVENT(Kept, count)

struct Basket {
  std::vector<std::string> items;
  std::map<std::string, std::int64_t> counts;
};
MAILROOM_STATE(Basket, items, counts)

struct BasketOptions {
  std::chrono::microseconds wait = std::chrono::seconds(10);
};
MAILROOM_OPTIONS(BasketOptions, wait)

struct HowMany {
  std::string item;
};
MAILROOM_STRUCT(HowMany, item)

class Baskets : public mailroom::Actor<Basket> {
 public:
  using Answers = mailroom::Events<HowMany>;
  using Options = BasketOptions;
  using Emits = mailroom::Events<Kept>;
  explicit Baskets(const BasketOptions& options) : options_(options) {}
  void on(const Put& put, Basket& basket, Context& context) {
    basket.items.push_back(put.item);
    ++basket.counts[put.item];
    context.emit(Kept{static_cast<std::int64_t>(basket.items.size())});
    context.after(options_.wait, Forget{put.key}, "forget");
    if (put.fail) throw std::runtime_error("planted");
  }
  void on(const Forget&, Basket&, Context& context) { context.forget(); }
  Kept answer(const HowMany& question, const Basket& basket, const mailroom::AnswerContext&) const {
    const auto found = basket.counts.find(question.item);
    return {found == basket.counts.end() ? 0 : found->second};
  }

 private:
  BasketOptions options_;
};
MAILROOM_ACTOR(Baskets, Put, Forget)

TEST(ActorHost, AThrowLeavesNoTrace) {
  mailroom::testing::ActorTest<Baskets> baskets;
  baskets.send(Put{"a", "apple"}, {.key = "a"});
  EXPECT_THROW(baskets.send(Put{"a", "pear", true}, {.key = "a"}), std::runtime_error);
  EXPECT_THAT(baskets.state("a").items, ElementsAre("apple"));
  EXPECT_EQ(baskets.state("a").counts.size(), 1u);
  EXPECT_EQ(baskets.take<Kept>().size(), 1u);
  EXPECT_THROW(baskets.send(Put{"b", "pear", true}, {.key = "b"}), std::runtime_error);
  EXPECT_FALSE(baskets.has_state("b")) << "a key whose only event failed has no state";
}

TEST(ActorHost, AnswersFromTheStateOfAKeyAndLeavesNoTrace) {
  mailroom::testing::ActorTest<Baskets> baskets;
  baskets.send(Put{"a", "apple"}, {.key = "a"});
  baskets.send(Put{"a", "apple"}, {.key = "a"});
  EXPECT_EQ((baskets.ask<Kept>("a", HowMany{"apple"})->count), 2);
  EXPECT_EQ((baskets.ask<Kept>("a", HowMany{"pear"})->count), 0);
  EXPECT_FALSE((baskets.ask<Kept>("b", HowMany{"apple"})));
  EXPECT_FALSE(baskets.has_state("b"));
}

TEST(ActorHost, ATimerOfTheSameNameIsReplacedAndForgetErases) {
  mailroom::testing::ActorTest<Baskets> baskets(nlohmann::json{{"wait", "10s"}});
  baskets.send(Put{"a", "apple"}, {.key = "a"});
  baskets.advance(std::chrono::seconds(6));
  baskets.send(Put{"a", "pear"}, {.key = "a"});
  EXPECT_EQ(baskets.timers(), 1u);
  baskets.advance(std::chrono::seconds(6));
  EXPECT_TRUE(baskets.has_state("a"));
  baskets.advance(std::chrono::seconds(4));
  EXPECT_FALSE(baskets.has_state("a"));
}

// A state that knows how often it was copied.
struct Counted {
  std::int64_t events = 0;
  static inline int copies = 0;
  Counted() = default;
  Counted(Counted&&) = default;
  Counted(const Counted& other) : events(other.events) { ++copies; }
  Counted& operator=(Counted&&) = default;
  Counted& operator=(const Counted& other) {
    events = other.events;
    ++copies;
    return *this;
  }
};
MAILROOM_STATE(Counted, events)

class Copied : public mailroom::Actor<Counted> {
 public:
  using Emits = mailroom::Events<Kept>;
  void on(const Put&, Counted& counted, Context& context) {
    context.emit(Kept{++counted.events});
    throw std::runtime_error("planted");
  }
  void on(const Forget&, Counted& counted, Context&) noexcept { ++counted.events; }
};
MAILROOM_ACTOR(Copied, Put, Forget)

TEST(ActorHost, AHandlerThatIsNoexceptNeedsNoCopyOfTheState) {
  mailroom::testing::ActorTest<Copied> copied;
  Counted::copies = 0;
  for (int i = 0; i < 3; ++i) copied.send(Forget{"a"}, {.key = "a"});
  EXPECT_EQ(Counted::copies, 0);
  EXPECT_THROW(copied.send(Put{"a", "apple"}, {.key = "a"}), std::runtime_error);
  EXPECT_GT(Counted::copies, 0);
  EXPECT_EQ(copied.state("a").events, 3);
  EXPECT_THAT(mailroom::ActorTypes::find("Copied")->never_throws, ElementsAre(&mailroom::event_type_of<Forget>()));
}

// Put keeps its promise, Forget does not.
class Promising : public mailroom::Actor<Counted> {
 public:
  using Emits = mailroom::Events<Kept>;
  static constexpr bool strong_guarantee = true;
  void on(const Put&, Counted& counted, Context& context) {
    context.emit(Kept{1});
    context.emit(Kept{2});
    ++counted.events;
  }
  void on(const Forget&, Counted& counted, Context& context) {
    context.emit(Kept{1});
    ++counted.events;
    context.emit(Kept{2});
  }
};
MAILROOM_ACTOR(Promising, Put, Forget)

TEST(ActorHost, APromisedStrongGuaranteeIsTriedAtEachEmission) {
  mailroom::testing::ActorTest<Promising> promising;
  Counted::copies = 0;
  for (int i = 0; i < 2; ++i) promising.send(Put{"a", "apple"}, {.key = "a"});
  EXPECT_EQ(promising.state("a").events, 2) << "what was tried has left nothing behind";
  EXPECT_EQ(promising.take<Kept>().size(), 4u);
  EXPECT_EQ(Counted::copies, 0);
  try {
    promising.send(Forget{"a"}, {.key = "a"});
    FAIL() << "it has changed its state before its last emission";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), ::testing::AllOf(::testing::HasSubstr("Promising"), ::testing::HasSubstr("Forget failed at emission 2")));
  }
}

struct NoPort : mailroom::ContextPort {
  void emit(const mailroom::EventType&, void*, std::string_view, mailroom::Timestamp) override {}
  void set_timer(const mailroom::EventType&, void*, mailroom::Timestamp, std::string_view) override {}
  void cancel_timer(std::string_view) override {}
  void forget_state() override {
    if (host != nullptr) host->forget_current();
  }
  void log(mailroom::LogLevel, std::string_view) override {}
  mailroom::ActorHost* host = nullptr;
};

TEST(ActorHost, ForgottenKeysTakeNoMemoryInMemoryModeEither) {
  NoPort port;
  Context context(port);
  const auto host = mailroom::ActorTypes::find("Baskets")->make(nlohmann::json::object(), {});
  port.host = host.get();
  for (int i = 0; i < 20'000; ++i) {
    const auto key = "k" + std::to_string(i);
    const Put put{key, "apple"};
    const Forget forget{key};
    host->handle(mailroom::event_type_of<Put>(), &put, mailroom::EventKey(key), context);
    if (i % 100 != 0) host->handle(mailroom::event_type_of<Forget>(), &forget, mailroom::EventKey(key), context);
    if (i % 50 == 49) host->accept_changes();
  }
  EXPECT_LE(host->resident_keys(), 200u + 2'048u);
  for (int i = 0; i < 20'000; ++i) EXPECT_EQ(host->show_state("k" + std::to_string(i)).has_value(), i % 100 == 0);
}

TEST(ActorHost, EvictedStatesComeBackAsTheyWereCommitted) {
  NoPort port;
  Context context(port);
  std::map<std::string, std::string> stored;
  const auto host = mailroom::ActorTypes::find("Baskets")->make(nlohmann::json::object(), [&](std::string_view key) {
    const auto found = stored.find(std::string(key));
    return found == stored.end() ? std::nullopt : std::optional(found->second);
  });
  const auto put = [&](const std::string& key, const std::string& item) {
    const Put event{key, item};
    host->handle(mailroom::event_type_of<Put>(), &event, mailroom::EventKey(key), context);
  };
  const auto commit = [&] {
    host->take_changes(
        [&](std::string_view key, std::optional<std::string_view> bytes) { stored[std::string(key)] = *bytes; });
  };
  for (int i = 0; i < 1000; ++i) put("k" + std::to_string(i), "first");
  host->evict_clean(10);
  EXPECT_EQ(host->resident_keys(), 1000u) << "what is not committed must not go";
  commit();
  host->evict_clean(10);
  EXPECT_LE(host->resident_keys(), 10u);
  for (int i = 0; i < 1000; ++i) put("k" + std::to_string(i), "second");
  for (int i = 0; i < 1000; ++i) EXPECT_EQ((*host->show_state("k" + std::to_string(i)))["items"].size(), 2u);
  commit();
  for (auto& [key, bytes] : stored) {
    auto damaged = bytes;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    EXPECT_THROW(mailroom::ActorTypes::find("Baskets")->state_to_json(damaged), mailroom::CorruptData);
  }
}

TEST(ActorTypes, OptionsThatDoNotFitAreRefusedInWords) {
  const auto* type = mailroom::ActorTypes::find("Baskets");
  try {
    type->check_options({{"wiat", "1s"}});
    FAIL();
  } catch (const mailroom::BadValue& error) {
    EXPECT_STREQ(error.what(), "unknown field \"wiat\"; did you mean \"wait\"?");
  }
  EXPECT_THROW(type->check_options({{"wait", 5}}), mailroom::BadValue);
}

}  // namespace actor_test
