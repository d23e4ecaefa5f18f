#include <mailroom/sketches/top_items.hpp>

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom {
namespace {

bool before(const TopItem& a, const TopItem& b) { return a.count != b.count ? a.count > b.count : a.item < b.item; }
bool fewer(const TopItem& a, const TopItem& b) { return a.count < b.count; }

}  // namespace

void TopItems::make_index() {
  if (capacity == 0) throw BadValue("TopItems of capacity 0: expected at least 1");
  items.reserve(capacity);
  index_.clear();
  for (std::uint32_t i = 0; i < items.size(); ++i) index_.emplace(items[i].item, i);
}

void TopItems::add(std::string_view item, std::int64_t times) {
  if (index_.empty()) make_index();
  if (const auto found = index_.find(item); found != index_.end()) {
    items[found->second].count += times;
    return;
  }
  if (items.size() < capacity) {
    items.push_back({std::string(item), times, 0});
    index_.emplace(items.back().item, static_cast<std::uint32_t>(items.size() - 1));
    return;
  }
  // It takes the place of the least frequent one, and may have been as frequent as that.
  const auto least = std::min_element(items.begin(), items.end(), fewer);
  index_.erase(least->item);
  least->item.assign(item);
  least->error = least->count;
  least->count += times;
  index_.emplace(least->item, static_cast<std::uint32_t>(least - items.begin()));
}

std::int64_t TopItems::unlisted() const {
  return items.size() < capacity ? 0 : std::min_element(items.begin(), items.end(), fewer)->count;
}

void TopItems::merge(const TopItems& other) {
  if (capacity != other.capacity)
    throw BadValue(fmt::format("TopItems of capacity {} and {} can't be merged: make both with the same", capacity, other.capacity));
  if (index_.empty()) make_index();
  const auto ours = unlisted(), theirs = other.unlisted();
  std::vector<TopItem> more;
  std::vector<bool> in_both(items.size(), false);
  for (const auto& one : other.items) {
    if (const auto found = index_.find(one.item); found != index_.end()) {
      in_both[found->second] = true;
      items[found->second].count += one.count;
      items[found->second].error += one.error;
    } else {
      more.push_back({one.item, one.count + ours, one.error + ours});
    }
  }
  for (std::size_t i = 0; i < in_both.size(); ++i) {
    if (in_both[i]) continue;
    items[i].count += theirs;
    items[i].error += theirs;
  }
  if (more.empty()) return;
  index_.clear();
  items.insert(items.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  if (items.size() <= capacity) return;
  std::nth_element(items.begin(), items.begin() + capacity, items.end(), before);
  items.resize(capacity);
}

std::vector<TopItem> TopItems::top(std::size_t count) const {
  auto sorted = items;
  count = std::min(count, sorted.size());
  std::partial_sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count), sorted.end(), before);
  sorted.resize(count);
  return sorted;
}

}  // namespace mailroom
