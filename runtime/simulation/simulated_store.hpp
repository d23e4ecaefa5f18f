// The node's disk in a simulated run: a store in memory that fails when it is told to, and looks at each write that
// passes: a shard's commits must follow one on the other, and say what the mailboxes say.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/journal/memory_store.hpp"
#include "runtime/simulation/world.hpp"

namespace mailroom::runtime {

// The power has failed: every call of a store ends so until the node starts again.
class PowerLost : public std::runtime_error {
 public:
  PowerLost() : std::runtime_error("the power has failed") {}
};

class SimulatedStore final : public Store {
 public:
  SimulatedStore(std::shared_ptr<MemoryDisk> disk, World& world);

  [[nodiscard]] std::unique_ptr<StoreWrite> new_write() override;
  void write(StoreWrite& write) override;
  void sync() override;
  [[nodiscard]] std::optional<std::string> get(Table table, std::string_view key) override;
  using Store::scan;
  void scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) override;
  void acknowledge(std::uint64_t commit) override;
  [[nodiscard]] std::uint64_t acknowledged() const override { return store_.acknowledged(); }
  // From now on writes are a running node's and no longer a recovery's.
  void recovered() { recovering_ = false; }

 private:
  void check_power() const {
    if (world_.power_off) throw PowerLost();
  }
  [[noreturn]] void fail(const Fault& fault, const char* what);
  void check_commit(const StoreWrite& write);
  void tell(const StoreWrite& write);
  [[nodiscard]] std::string describe(const StoreWrite& write);

  World& world_;
  MemoryStore store_;
  bool recovering_ = true, failed_ = false;
};

}  // namespace mailroom::runtime
