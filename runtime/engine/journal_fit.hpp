// Whether what a journal holds still fits the topology that is to go on with it. Events, states, timers and parked events
// that a changed topology would never find again must not be lost in silence.
#pragma once

#include "runtime/engine/plan.hpp"
#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

// Refuses, naming what was found and what to do, while the journal holds something
// - of a shard or channel that the topology no longer has;
// - of a stage whose number of shards or key has changed: its keys' states and events would be looked for elsewhere;
// - in a state whose fields have changed without a new version, or that a later version has written.
// Notes in the journal what each stage is now. Throws StorageError. Before the shards run.
void fit_to_journal(const Plan& plan, Journal& journal);

}  // namespace mailroom::runtime
