// Ticks: has the snapshot taken that everybody sees, and stuck shards looked for.
#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <chrono>
#include <functional>

#include "runtime/engine/messages.hpp"

namespace mailroom::runtime {

class SamplerActor final : public caf::event_based_actor {
 public:
  SamplerActor(caf::actor_config& config, const std::atomic<std::int64_t>& every_ms, std::function<void()> sample)
      : caf::event_based_actor(config), every_ms_(every_ms), sample_(std::move(sample)) {}

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    delayed_send(this, every(), SampleMail{});
    return {[this](const SampleMail&) {
      sample_();
      delayed_send(this, every(), SampleMail{});
    }};
  }

 private:
  [[nodiscard]] std::chrono::milliseconds every() const {
    return std::chrono::milliseconds(every_ms_.load(std::memory_order_relaxed));
  }
  const std::atomic<std::int64_t>& every_ms_;
  std::function<void()> sample_;
};

}  // namespace mailroom::runtime
