// A supervisor: decides, by its policy, who restarts after a failure, or passes the failure to its parent.
// A stage's supervisor has the stage's shards for children, the root has the stages; the root's parent is the
// conductor, which stops the node.
#pragma once

#include <caf/all.hpp>
#include <fmt/format.h>
#include <numeric>

#include "runtime/engine/clock.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/engine/supervision.hpp"

namespace mailroom::runtime {

class SupervisorActor final : public caf::event_based_actor {
 public:
  using Log = std::function<void(LogLevel, const std::string& who, std::string_view text)>;
  // What is told of its decisions: a child, or all children, restart after `delay`; a failure goes to the parent.
  struct Decided {
    std::vector<std::size_t> restart;
    std::chrono::microseconds delay{0};
    bool escalates = false;
    std::string text;
  };
  using Tell = std::function<void(const Decided&)>;

  // `children` is read when the first failure arrives: the address book is complete by then.
  // `escalate` is given what this supervisor could not mend, with the reason.
  SupervisorActor(caf::actor_config& config, std::string name, SupervisionPolicy policy,
                  std::vector<std::string> child_names, std::function<std::vector<caf::actor>()> children,
                  std::function<void(SupervisorActor&, const std::string&)> escalate, const Clock& clock,
                  std::uint64_t seed, Log log, Tell tell)
      : caf::event_based_actor(config),
        name_(std::move(name)),
        logic_(policy, child_names),
        child_names_(std::move(child_names)),
        children_(std::move(children)),
        escalate_(std::move(escalate)),
        clock_(clock),
        random_(seed),
        log_(std::move(log)),
        tell_(std::move(tell)) {}

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
        [this](const FailureMail& mail) {
          const auto drawn = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
          const auto decision = logic_.on_failure(mail.child, clock_.steady_us(), drawn);
          if (decision.escalate) {
            const auto text =
                fmt::format("{}. The last failure: {}: {}", decision.reason, child_names_[mail.child], mail.reason);
            log_(LogLevel::error, name_, text);
            tell_({{}, {}, true, text});
            escalate_(*this, text);
            return;
          }
          if (decision.restart.empty()) return;  // already under way
          log_(LogLevel::warning, name_,
               fmt::format("{} failed ({}): restarting {} in {} ms", child_names_[mail.child], mail.reason,
                           decision.restart.size() == 1
                               ? child_names_[decision.restart.front()]
                               : fmt::format("{} of its {} children", decision.restart.size(), child_names_.size()),
                           std::chrono::duration_cast<std::chrono::milliseconds>(decision.delay).count()));
          tell_({decision.restart, decision.delay, false, fmt::format("{}: {}", child_names_[mail.child], mail.reason)});
          delayed_send(this, std::chrono::duration_cast<std::chrono::microseconds>(decision.delay),
                       RestartDueMail{decision.restart});
        },
        [this](const RestartDueMail& mail) {
          const auto children = children_();
          logic_.restarted(mail.children);
          for (const auto child : mail.children) send(children[child], RestartMail{});
        },
        // It is no failure: it costs nothing of the restart intensity.
        [this](const RestartChildMail& mail) {
          log_(LogLevel::info, name_, fmt::format("restarting {}: an operator asked for it", child_names_[mail.child]));
          tell_({{mail.child}, {}, false, "an operator asked for it"});
          send(children_()[mail.child], RestartMail{});
        },
        // From the parent: everything below is restarted, in order.
        [this](const RestartMail&) {
          std::vector<std::size_t> all(child_names_.size());
          std::iota(all.begin(), all.end(), 0);
          tell_({std::move(all), {}, false, "with its stage"});
          for (const auto& child : children_()) send(child, RestartMail{});
        },
    };
  }

 private:
  const std::string name_;
  SupervisorLogic logic_;
  const std::vector<std::string> child_names_;
  std::function<std::vector<caf::actor>()> children_;
  std::function<void(SupervisorActor&, const std::string&)> escalate_;
  const Clock& clock_;
  std::mt19937_64 random_;
  Log log_;
  Tell tell_;
};

}  // namespace mailroom::runtime
