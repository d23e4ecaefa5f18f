// The messages between the engine's CAF actors. They never leave the process, so CAF may carry them as they are.
#pragma once

#include <caf/all.hpp>

#include "runtime/engine/engine.hpp"
#include "runtime/engine/shard_core.hpp"
#include "runtime/engine/shard_port.hpp"

namespace mailroom::runtime {

// To shards.
struct DeliveryMail {
  Delivery delivery;
};
struct CreditMail {
  ChannelId channel;
  std::uint32_t events;
};
struct BeginMail {};
struct FlushMail {};
struct WakeMail {};
struct SyncedMail {};
struct RestartMail {};
struct StopReadingMail {};
struct StopShardMail {};
struct ProbeMail {
  std::uint64_t round;
};
struct AskMail {
  StateQuestion question;
  std::shared_ptr<PendingAnswer> answer;
};
struct OrderDueMail {};
struct PauseMail {
  bool paused;
};
struct HeldMail {
  HeldChange change;
  std::shared_ptr<PendingDeadLetters> outcome;
};
struct WorkResultMail {
  WorkResult result;
};
// To workers.
struct WorkOrderMail {
  WorkOrder order;
};
// To the syncer.
struct SyncRequestMail {
  ShardIndex shard;
};
struct SyncNowMail {};
// To the turn actor.
struct TurnMail {
  ShardIndex shard;
};
// To supervisors.
struct FailureMail {
  std::size_t child;
  std::string reason;
};
struct RestartChildMail {  // an operator asks
  std::size_t child;
};
struct RestartDueMail {
  std::vector<std::size_t> children;
};
// To the conductor.
struct SourceEndedMail {};
struct QuietMail {
  std::uint64_t round;
  QuietReport report;
};
struct ShardStoppedMail {
  ShardIndex shard;
};
struct StopNodeMail {
  std::string reason;
};
struct StopRequestMail {
  StopMode mode;
};
struct CheckMail {};
struct DeadlineMail {
  bool last;
};
// To the sampler.
struct SampleMail {};

}  // namespace mailroom::runtime

#define MAILROOM_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mailroom::runtime::type)
MAILROOM_LOCAL_MESSAGE(DeliveryMail)
MAILROOM_LOCAL_MESSAGE(CreditMail)
MAILROOM_LOCAL_MESSAGE(BeginMail)
MAILROOM_LOCAL_MESSAGE(FlushMail)
MAILROOM_LOCAL_MESSAGE(WakeMail)
MAILROOM_LOCAL_MESSAGE(SyncedMail)
MAILROOM_LOCAL_MESSAGE(RestartMail)
MAILROOM_LOCAL_MESSAGE(StopReadingMail)
MAILROOM_LOCAL_MESSAGE(StopShardMail)
MAILROOM_LOCAL_MESSAGE(ProbeMail)
MAILROOM_LOCAL_MESSAGE(AskMail)
MAILROOM_LOCAL_MESSAGE(OrderDueMail)
MAILROOM_LOCAL_MESSAGE(PauseMail)
MAILROOM_LOCAL_MESSAGE(HeldMail)
MAILROOM_LOCAL_MESSAGE(RestartChildMail)
MAILROOM_LOCAL_MESSAGE(WorkResultMail)
MAILROOM_LOCAL_MESSAGE(WorkOrderMail)
MAILROOM_LOCAL_MESSAGE(SyncRequestMail)
MAILROOM_LOCAL_MESSAGE(SyncNowMail)
MAILROOM_LOCAL_MESSAGE(TurnMail)
MAILROOM_LOCAL_MESSAGE(FailureMail)
MAILROOM_LOCAL_MESSAGE(RestartDueMail)
MAILROOM_LOCAL_MESSAGE(SourceEndedMail)
MAILROOM_LOCAL_MESSAGE(QuietMail)
MAILROOM_LOCAL_MESSAGE(ShardStoppedMail)
MAILROOM_LOCAL_MESSAGE(StopNodeMail)
MAILROOM_LOCAL_MESSAGE(StopRequestMail)
MAILROOM_LOCAL_MESSAGE(CheckMail)
MAILROOM_LOCAL_MESSAGE(DeadlineMail)
MAILROOM_LOCAL_MESSAGE(SampleMail)
#undef MAILROOM_LOCAL_MESSAGE
