// An alert when a minute's error rate jumps above what is usual.
#include "scenarios/analytics/alert_rule.hpp"

namespace analytics {

class Alerts : public mailroom::Actor<UsualErrors> {
 public:
  using Options = AlertOptions;
  using Emits = mailroom::Events<Alert>;
  explicit Alerts(const AlertOptions& options) : options_(options) {}

  void on(const Minute& minute, UsualErrors& usual, mailroom::Context& context) {
    if (is_alert(options_, usual, minute.error_rate, minute.requests))
      context.emit(Alert{minute.minute, minute.error_rate, usual.rate, minute.requests});
    learn(options_, usual, minute.error_rate);
  }

 private:
  const AlertOptions options_;
};
MAILROOM_ACTOR(Alerts, Minute)

}  // namespace analytics
