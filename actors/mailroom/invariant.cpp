#include <mailroom/invariant.hpp>

#include <mutex>

namespace mailroom {
namespace {

struct Registered {
  std::string name, topology;
  Invariants::Make make;
};
std::mutex mutex;
std::vector<Registered>& all() {
  static std::vector<Registered> registered;
  return registered;
}

}  // namespace

bool Invariants::add(std::string name, std::string topology, Make make) {
  const std::lock_guard lock(mutex);
  all().push_back({std::move(name), std::move(topology), std::move(make)});
  return true;
}

std::map<std::string, std::unique_ptr<Invariant>> Invariants::of(std::string_view topology) {
  const std::lock_guard lock(mutex);
  std::map<std::string, std::unique_ptr<Invariant>> found;
  for (const auto& one : all())
    if (one.topology == topology) found.emplace(one.name, one.make());
  return found;
}

}  // namespace mailroom
