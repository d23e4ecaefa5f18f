// The books of one channel while it runs. Each side's counters are written by that side's thread alone.
#pragma once

#include <vector>

#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {

struct ChannelCounters {
  // Producer. `sent` counts every event emitted on the channel, shed ones too; `pending` those not handed over yet.
  alignas(64) Counter sent;
  Counter pending, delivered, dropped_oldest, dropped_newest, rejected;
  Counter blocked;  // 1: the producer stands still for lack of credit here
  // Consumer. `arrived` counts what was taken out of the CAF mailbox; of that, `inbox` is not worked yet.
  alignas(64) Counter arrived;
  Counter inbox, waiting, processed, dead_lettered, parked;
};

}  // namespace mailroom::runtime
