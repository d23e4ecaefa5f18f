// A process-wide table of things by name, filled while libraries are loaded. Thread-safe; entries stay for ever.
#pragma once

#include <deque>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::detail {

template <class T>
class NamedRegistry {
 public:
  explicit NamedRegistry(const char* what) : what_(what) {}
  bool add(T entry) {
    const std::unique_lock lock(mutex_);
    if (by_name_.contains(entry.name))
      throw std::logic_error(fmt::format("two {} are named {}; rename one of them", what_, entry.name));
    entries_.push_back(std::move(entry));
    by_name_.emplace(entries_.back().name, &entries_.back());
    return true;
  }
  [[nodiscard]] const T* find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  [[nodiscard]] std::vector<const T*> all() const {
    const std::shared_lock lock(mutex_);
    std::vector<const T*> list;
    for (const auto& entry : entries_) list.push_back(&entry);
    return list;
  }

 private:
  const char* what_;
  mutable std::shared_mutex mutex_;
  std::deque<T> entries_;
  std::map<std::string, const T*, std::less<>> by_name_;
};

}  // namespace mailroom::detail
