#include "tests/scenarios/orders/saga_router.hpp"

#include <algorithm>
#include <fstream>

#include "scenarios/orders/gateway.hpp"

namespace orders_test {

using mailroom::EventType;
using mailroom::Timestamp;

// Collects what one call asks for; run() carries it out if the call succeeds.
class SagaRouter::Port : public mailroom::ContextPort {
 public:
  struct Sent { Message message; };
  struct SetTimer { Timer timer; Timestamp due; bool cancel = false; };

  void emit(const EventType& type, void* event, std::string_view, Timestamp time) override { sent.push_back({hold(type, event, time)}); }
  void set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) override {
    timers.push_back({{std::string{}, std::string(name), hold(type, event, due)}, due, false});
  }
  void cancel_timer(std::string_view name) override { timers.push_back({{std::string{}, std::string(name), {}}, {}, true}); }
  void forget_state() override { host->forget_current(); }
  void log(mailroom::LogLevel, std::string_view) override {}

  mailroom::ActorHost* host = nullptr;
  std::vector<Sent> sent;
  std::vector<SetTimer> timers;

 private:
  static Message hold(const EventType& type, void* event, Timestamp time) {
    std::shared_ptr<mailroom::EventColumn> column = type.make_column(1);
    column->append_move(event);
    return {&type, std::move(column), time};
  }
};

SagaRouter::SagaRouter(nlohmann::json topology, const RouterOptions& options) : options_(options), random_(options.seed) {
  const auto& stages = topology.at("stages");
  const std::map<std::string, orders_check::Rows*> files{
      {"invoices.jsonl", &outputs_.invoices}, {"outcomes.jsonl", &outputs_.outcomes},           {"stock.jsonl", &outputs_.stock},
      {"payments.jsonl", &outputs_.payments}, {"refunds.jsonl", &outputs_.refunds},             {"ledger.jsonl", &outputs_.ledger},
      {"notifications.jsonl", &outputs_.notifications}, {"violations.jsonl", &outputs_.violations}};
  for (const auto& [name, json] : stages.items()) {
    Stage stage;
    stage.name = name;
    stage.first_shard = shards_.size();
    if (json.contains("actor")) {
      stage.actor = mailroom::ActorTypes::find(json.at("actor").get<std::string>());
      if (stage.actor == nullptr) throw std::runtime_error("no actor " + json.at("actor").dump());
      stage.key = json.at("key");
      stage.shards = options.shards;
    } else if (json.contains("sink")) {
      stage.sink = files.at(json.at("path").get<std::string>());
    }
    for (std::size_t i = 0; i < stage.shards; ++i) {
      auto& shard = shards_.emplace_back();
      shard.stage = stages_.size();
      if (stage.actor != nullptr) shard.host = stage.actor->make(json.value("options", nlohmann::json::object()), {});
    }
    stages_.push_back(std::move(stage));
  }
  connect(stages);
}

void SagaRouter::connect(const nlohmann::json& stages) {
  for (const auto& [name, json] : stages.items()) {
    if (!json.contains("from")) continue;
    const auto& to = stages_[stage_named(name)];
    for (const auto& entry : json.at("from")) {
      const auto& from = stages_[stage_named(entry.is_string() ? entry.get<std::string>() : entry.at("stage").get<std::string>())];
      Channel channel;
      channel.feedback = entry.is_object() && entry.value("feedback", false);
      const auto emits = from.actor == nullptr ? std::vector<const EventType*>{&mailroom::event_type_of<orders::OrderLine>()} : from.actor->emits;
      for (const auto* type : emits) {
        const bool chosen = !entry.is_object() || !entry.contains("events") ||
                            std::find(entry.at("events").begin(), entry.at("events").end(), type->name()) != entry.at("events").end();
        const bool taken = to.actor == nullptr || std::find(to.actor->handles.begin(), to.actor->handles.end(), type) != to.actor->handles.end();
        if (chosen && taken) channel.events.push_back(type);
      }
      for (std::size_t f = 0; f < from.shards; ++f)
        for (std::size_t t = 0; t < to.shards; ++t) {
          channel.from_shard = from.first_shard + f;
          channel.to_shard = to.first_shard + t;
          shards_[channel.from_shard].outputs.push_back(channels_.size());
          shards_[channel.to_shard].inputs.push_back(channels_.size());
          channels_.push_back(channel);
        }
    }
  }
}

std::size_t SagaRouter::stage_named(const std::string& name) const {
  for (std::size_t i = 0; i < stages_.size(); ++i)
    if (stages_[i].name == name) return i;
  throw std::runtime_error("no stage " + name);
}

std::string SagaRouter::key_of(const Stage& stage, const Message& message) const {
  mailroom::KeyScratch scratch;
  const auto& field = stage.key.is_object() ? stage.key.at(message.type->name()) : stage.key;
  const auto reader = message.type->key_reader(field.get<std::string>());
  if (!reader) throw std::runtime_error(stage.name + ": " + message.type->name() + " has no key " + field.dump());
  return std::string(reader.text(message.event->at(0), scratch));
}

void SagaRouter::send(std::size_t from_shard, const EventType& type, const void* event, Timestamp time) {
  ++emitted_[type.name()];
  Message message{&type, type.make_column(1), time};
  message.event->append_copy(event);
  for (const auto index : shards_[from_shard].outputs) {
    auto& channel = channels_[index];
    if (std::find(channel.events.begin(), channel.events.end(), &type) == channel.events.end()) continue;
    const auto& to = stages_[shards_[channel.to_shard].stage];
    if (to.actor != nullptr && to.first_shard + std::hash<std::string>{}(key_of(to, message)) % to.shards != channel.to_shard) continue;
    if (channel.waiting.empty()) ready_.push_back(index);
    channel.waiting.push_back(message);
  }
}

void SagaRouter::announce(std::size_t shard, Timestamp watermark) {
  for (const auto index : shards_[shard].outputs) {
    auto& channel = channels_[index];
    if (channel.feedback || watermark <= channel.sent) continue;
    channel.sent = watermark;
    if (channel.waiting.empty()) ready_.push_back(index);
    if (!channel.waiting.empty() && channel.waiting.back().type == nullptr)
      channel.waiting.back().time = watermark;
    else
      channel.waiting.push_back({nullptr, nullptr, watermark});
  }
}

void SagaRouter::handle(Shard& shard, const Message& message, const std::string& key, Timestamp now) {
  Port port;
  port.host = shard.host.get();
  mailroom::Context context(port);
  const auto& stage = stages_[shard.stage];
  const mailroom::EventKey event_key(key);
  for (unsigned attempt = 1;; ++attempt) {
    context.begin(stage.name, event_key, message.time, now, 0, attempt);
    port.sent.clear();
    port.timers.clear();
    try {
      shard.host->handle(*message.type, message.event->at(0), event_key, context);
      break;
    } catch (const orders::GatewayDown&) {
      continue;
    } catch (const mailroom::Rejected& refusal) {
      dead_letters_.push_back({stage.name, refusal.what(), message.type->to_json(message.event->at(0))});
      return;
    }
  }
  shard.host->accept_changes();
  for (auto& change : port.timers) {
    if (!change.timer.name.empty())
      std::erase_if(shard.timers, [&](const auto& entry) { return entry.second.key == key && entry.second.name == change.timer.name; });
    if (change.cancel) continue;
    change.timer.key = key;
    shard.timers.emplace(change.due, std::move(change.timer));
  }
  const auto index = static_cast<std::size_t>(&shard - shards_.data());
  for (const auto& sent : port.sent) send(index, *sent.message.type, sent.message.event->at(0), sent.message.time);
}

void SagaRouter::fire(Shard& shard, std::multimap<Timestamp, Timer>::iterator timer) {
  const auto due = timer->first;
  const auto fired = std::move(timer->second);
  shard.timers.erase(timer);
  handle(shard, fired.message, fired.key, due);
}

void SagaRouter::fire_due(Shard& shard) {
  // An actor that keeps a timer going without hearing from anyone would never let the input end.
  for (int fired = 0; !shard.timers.empty() && shard.timers.begin()->first <= shard.clock; ++fired) {
    if (fired > 100'000) throw std::runtime_error(stages_[shard.stage].name + " sets timers for ever");
    fire(shard, shard.timers.begin());
  }
}

void SagaRouter::step(std::size_t index) {
  auto& channel = channels_[index];
  auto& shard = shards_[channel.to_shard];
  const auto message = std::move(channel.waiting.front());
  channel.waiting.pop_front();
  const auto& stage = stages_[shard.stage];
  if (message.type == nullptr) {
    channel.consumed = message.time;
    auto lowest = Timestamp::max();
    for (const auto input : shard.inputs)
      if (!channels_[input].feedback) lowest = std::min(lowest, channels_[input].consumed);
    if (lowest != Timestamp::max()) shard.finite = std::max(shard.finite, lowest);
    shard.clock = std::max(shard.clock, lowest);
    if (stage.actor != nullptr) {
      fire_due(shard);
      announce(channel.to_shard, shard.clock);
    }
    return;
  }
  if (stage.sink != nullptr) {
    stage.sink->push_back(message.type->to_json(message.event->at(0)));
    return;
  }
  handle(shard, message, key_of(stage, message), shard.clock == Timestamp::max() ? std::max(shard.finite, message.time) : shard.clock);
  fire_due(shard);
}

void SagaRouter::run(const std::vector<orders::OrderLine>& rows) {
  const auto source = stages_[stage_named("lines")].first_shard;
  const auto& type = mailroom::event_type_of<orders::OrderLine>();
  std::size_t next = 0;
  std::size_t patience = 0;  // steps left before the source gives again
  const auto draw = [this](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); };
  while (true) {
    if (options_.timers_at_any_moment && draw(4) == 0) {
      auto& shard = shards_[draw(shards_.size())];
      // Chaos keeps only this: a shard's timers fire in order; the rows of an invoice are not torn apart; and the
      // audit waits its day for an order before it cries.
      const auto& name = stages_[shard.stage].name;
      if (!shard.timers.empty() && name != "assemble" && name != "audit") fire(shard, shard.timers.begin());
    }
    if (next < rows.size() && (ready_.empty() || patience == 0)) {
      send(source, type, &rows[next], rows[next].invoice_date);
      announce(source, rows[next].invoice_date);
      if (++next == rows.size()) announce(source, Timestamp::max());
      patience = draw(4) == 0 ? draw(200) : draw(3);
      continue;
    }
    if (patience > 0) --patience;
    if (ready_.empty()) break;
    const auto chosen = draw(ready_.size());
    const auto channel = ready_[chosen];
    // Some channels are let run for a while, others starve.
    const auto burst = draw(8) == 0 ? 1 + draw(60) : 1 + draw(3);
    for (std::size_t i = 0; i < burst && !channels_[channel].waiting.empty(); ++i) step(channel);
    if (channels_[channel].waiting.empty()) {
      const auto found = std::find(ready_.begin(), ready_.end(), channel);
      *found = ready_.back();
      ready_.pop_back();
    }
  }
}

std::uint64_t SagaRouter::emitted(const std::string& type) const {
  const auto found = emitted_.find(type);
  return found == emitted_.end() ? 0 : found->second;
}

nlohmann::json read_topology() {
  std::ifstream in(MAILROOM_SOURCE_DIR "/scenarios/orders/orders.json");
  return nlohmann::json::parse(in);
}

void make_stock_ample(nlohmann::json& topology) {
  auto& options = topology["stages"]["inventory"]["options"];
  options["opening_least"] = options["opening_most"] = 10'000'000;
  options["order_below"] = 0;
}

std::vector<orders_check::ShopRow> as_shop_rows(const std::vector<orders::OrderLine>& rows) {
  std::vector<orders_check::ShopRow> result;
  for (const auto& row : rows) result.push_back(orders_check::row_from_json(mailroom::value_to_json(row)));
  return result;
}

orders_check::Rows as_rows(const std::vector<DeadLetter>& letters) {
  orders_check::Rows rows;
  for (const auto& letter : letters) rows.push_back({{"id", letter.stage}, {"stage", letter.stage}, {"reason", letter.reason}, {"payload", letter.payload}});
  return rows;
}

}  // namespace orders_test
