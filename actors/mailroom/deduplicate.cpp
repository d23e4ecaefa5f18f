#include <mailroom/deduplicate.hpp>

#include <algorithm>

#include <mailroom/errors.hpp>

namespace mailroom {
namespace {

SeenId& place_for(std::vector<SeenId>& places, std::uint64_t hash) {
  const auto mask = places.size() - 1;
  auto at = hash & mask;
  while (places[at].hash != 0 && places[at].hash != hash) at = (at + 1) & mask;
  return places[at];
}

}  // namespace

void DeduplicateOptions::check() const {
  if (remember.count() <= 0 || remember >= std::chrono::hours(24 * 49))
    throw BadValue("\"remember\": expected how long ids are remembered, more than 0 and less than 49 days");
  if (most == 0) throw BadValue("\"most\": expected how many ids of a key are remembered, at least 1");
}

const SeenId* SeenIds::find(std::uint64_t hash) const {
  if (places.empty()) return nullptr;
  const auto& place = place_for(const_cast<std::vector<SeenId>&>(places), hash);
  return place.hash == hash ? &place : nullptr;
}

void SeenIds::insert(std::uint64_t hash, Timestamp time, Timestamp keep, std::uint64_t most) {
  if (2 * (used + 1) > places.size()) {
    std::vector<SeenId> kept;
    for (const auto& place : places)
      if (place.hash != 0 && place.time > keep) kept.push_back(place);
    if (kept.size() >= most) {
      const auto older = kept.begin() + static_cast<std::ptrdiff_t>(kept.size() - most / 2);
      std::nth_element(kept.begin(), older, kept.end(), [](const SeenId& a, const SeenId& b) { return a.time < b.time; });
      forgotten_early += static_cast<std::uint64_t>(older - kept.begin());
      kept.erase(kept.begin(), older);
    }
    // A quarter full after growing: as many again find room before the next time.
    std::size_t size = 4;
    while (size < 4 * (kept.size() + 1)) size *= 2;
    std::vector<SeenId> grown(size);
    for (const auto& place : kept) place_for(grown, place.hash) = place;
    places = std::move(grown);
    used = kept.size();
  }
  auto& place = place_for(places, hash);
  if (place.hash == 0) ++used;  // else its id was to be forgotten
  place = {hash, time};
  latest = std::max(latest, time);
}

}  // namespace mailroom
