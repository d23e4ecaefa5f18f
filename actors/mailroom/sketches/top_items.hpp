// The most frequent items, in bounded memory: Space-Saving.
// Metwally, Agrawal, El Abbadi: "Efficient computation of frequent and top-k elements in data streams" (2005); merging:
// Agarwal et al.: "Mergeable summaries" (2012).
//
//   TopItems paths;                          a field of a state or an event; or TopItems{1'000}
//   paths.add(request.path);
//   all.merge(paths);
//   for (const auto& [item, count, error] : paths.top(10)) ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <mailroom/fields.hpp>
#include <mailroom/key_hash.hpp>

namespace mailroom {

struct TopItem {
  std::string item;
  std::int64_t count = 0;  // the true count is between count - error and count
  std::int64_t error = 0;
};
MAILROOM_STRUCT(TopItem, item, count, error)

// Exact, and the same in whatever order items come and are merged, while there are no more different items than `capacity`.
// Beyond that `error` is at most n / capacity after n additions, and each item that is more frequent than that is listed.
class TopItems {
 public:
  TopItems() = default;
  explicit TopItems(std::uint32_t most) : capacity(most) {}
  // The index is not copied: it is made again at the next add().
  TopItems(const TopItems& other) : capacity(other.capacity), items(other.items) {}
  TopItems& operator=(const TopItems& other) {
    capacity = other.capacity;
    items = other.items;
    index_.clear();
    return *this;
  }
  TopItems(TopItems&&) = default;
  TopItems& operator=(TopItems&&) = default;
  ~TopItems() = default;

  void add(std::string_view item, std::int64_t times = 1);
  // Throws BadValue if the capacities differ.
  void merge(const TopItems& other);
  // The most frequent first; of equally frequent ones in the order of their texts.
  [[nodiscard]] std::vector<TopItem> top(std::size_t count) const;

  std::uint32_t capacity = 256;
  std::vector<TopItem> items;  // in no order

 private:
  struct Hash {
    std::size_t operator()(std::string_view text) const noexcept { return hash_key(text); }
  };
  void make_index();
  // The most that an item which is not listed can have.
  [[nodiscard]] std::int64_t unlisted() const;
  std::unordered_map<std::string_view, std::uint32_t, Hash> index_;  // into items, whose texts do not move
};
MAILROOM_STRUCT(TopItems, capacity, items)

}  // namespace mailroom
