// Runs the scenario's topology without the engine: every stage's actors in one thread, their messages and timers
// interleaved by a seeded generator as perversely as the engine's promises allow. What it keeps is what the engine
// keeps: order within a channel between two shards, watermarks, timers before later times, a failed event's retry.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include <mailroom/mailroom.hpp>

#include "scenarios/orders/check/outputs_check.hpp"
#include "scenarios/orders/events.hpp"

namespace orders_test {

struct RouterOptions {
  std::uint64_t seed = 1;
  std::uint32_t shards = 2;     // of every actor stage
  // Timers fire at any moment, as if clocks ran ahead of all messages: promises must hold even then.
  bool timers_at_any_moment = false;
};

struct DeadLetter {
  std::string stage, reason;
  nlohmann::json payload;
};

class SagaRouter {
 public:
  // `topology`: as in orders.json; its sources are replaced by run()'s rows.
  SagaRouter(nlohmann::json topology, const RouterOptions& options);

  // Runs until nothing is left. InvariantBroken and all else that an actor throws passes through, except Rejected
  // (a dead letter) and the gateway's failures (tried again).
  void run(const std::vector<orders::OrderLine>& rows);

  [[nodiscard]] const orders_check::Outputs& outputs() const { return outputs_; }
  [[nodiscard]] const std::vector<DeadLetter>& dead_letters() const { return dead_letters_; }
  // How many events of a type were emitted.
  [[nodiscard]] std::uint64_t emitted(const std::string& type) const;

 private:
  struct Message {
    const mailroom::EventType* type = nullptr;  // null: a watermark only
    std::shared_ptr<mailroom::EventColumn> event;
    mailroom::Timestamp time;                   // of the event, or the watermark
  };
  struct Channel {
    std::size_t from_shard = 0, to_shard = 0;
    std::vector<const mailroom::EventType*> events;
    bool feedback = false;
    std::deque<Message> waiting;
    mailroom::Timestamp sent = mailroom::Timestamp::min(), consumed = mailroom::Timestamp::min();
  };
  struct Timer {
    std::string key, name;
    Message message;
  };
  struct Shard {
    std::size_t stage = 0;
    std::unique_ptr<mailroom::ActorHost> host;
    std::multimap<mailroom::Timestamp, Timer> timers;
    mailroom::Timestamp clock = mailroom::Timestamp::min(), finite = mailroom::Timestamp::min();
    std::vector<std::size_t> inputs, outputs;  // channels
  };
  struct Stage {
    std::string name;
    nlohmann::json key;
    const mailroom::ActorType* actor = nullptr;  // null: the source, or a sink
    orders_check::Rows* sink = nullptr;
    std::size_t first_shard = 0, shards = 1;
  };
  class Port;

  void connect(const nlohmann::json& stages);
  void step(std::size_t channel);
  void fire(Shard& shard, std::multimap<mailroom::Timestamp, Timer>::iterator timer);
  void fire_due(Shard& shard);
  void handle(Shard& shard, const Message& message, const std::string& key, mailroom::Timestamp now);
  void send(std::size_t from_shard, const mailroom::EventType& type, const void* event, mailroom::Timestamp time);
  void announce(std::size_t shard, mailroom::Timestamp watermark);
  [[nodiscard]] std::string key_of(const Stage& stage, const Message& message) const;
  [[nodiscard]] std::size_t stage_named(const std::string& name) const;

  RouterOptions options_;
  std::mt19937_64 random_;
  std::vector<Stage> stages_;
  std::vector<Shard> shards_;
  std::vector<Channel> channels_;
  std::vector<std::size_t> ready_;   // channels with something waiting
  orders_check::Outputs outputs_;
  std::vector<DeadLetter> dead_letters_;
  std::map<std::string, std::uint64_t> emitted_;
};

// scenarios/orders/orders.json.
nlohmann::json read_topology();
// So much stock that nothing is ever refused.
void make_stock_ample(nlohmann::json& topology);
std::vector<orders_check::ShopRow> as_shop_rows(const std::vector<orders::OrderLine>& rows);
// As `mailroom dead-letters list --json` shows them.
orders_check::Rows as_rows(const std::vector<DeadLetter>& letters);

}  // namespace orders_test
