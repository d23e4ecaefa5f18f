// The exceptions that cross Mailroom's interfaces.
#pragma once

#include <stdexcept>
#include <string>

namespace mailroom {

// Thrown by an actor to refuse an event for a reason of its business: the event goes straight to the
// dead letters with this reason; it is never retried, and the actor is not considered failed.
class Rejected : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A value in a file, a message or an option is not what its field needs. The text names field, found and expected.
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Stored bytes fail their length, CRC, sequence or schema check. The text says which and where.
class CorruptData : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The scenario breaks a rule of the interface (emits a type it does not declare, names an unknown stage):
// a bug to be fixed in the scenario, so the node stops.
class ScenarioError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// The disk, the journal or an outside file failed. The node stops; nothing acknowledged is lost.
class StorageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace mailroom
