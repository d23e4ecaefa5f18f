// The source "generator": events for load, from a seed.
//   { "source": "generator", "event": "Deposit",
//     "options": { "events": 1000000, "seed": 7, "rate": 50000,
//                  "fields": { "account": {"zipf": {"n": 10000, "s": 1.1}, "prefix": "a-"}, "cents": {"uniform": [1, 500]} } } }
// "events": how many; absent: without end. "rate": events a second, on a schedule that does not wait for a slow receiver
// (what it falls behind it makes up for); absent: as fast as they are taken. Each field that may not be absent needs one of
//   {"sequence": first}                  first, first + 1, ...; true: from 1
//   {"uniform": [low, high]}             integers and money: both included; other numbers: without high
//   {"zipf": {"n": 10000, "s": 1.1}}     1 to n, k with a frequency in proportion to 1 / k^s
//   {"choice": [...]}                    one of these, each as often
//   {"text": length}                     small letters and digits
//   {"time": {"start": "2020-01-01", "step": "10ms"}}
//   a constant: anything that is no object; or {"constant": anything}
// "prefix" goes before sequence, uniform and zipf in text fields.
// An event is a function of the seed and of its number alone. Position: {"next"}; seek() is exact and takes no time.
// With several shards, shard k of n makes the events k, k + n, k + 2n, ...
#pragma once

#include <mailroom/source.hpp>

namespace mailroom {

SourceType generator_source_type();

}  // namespace mailroom
