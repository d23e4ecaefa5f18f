#include <mailroom/actor_type.hpp>
#include <mailroom/named_registry.hpp>

namespace mailroom {
namespace {

detail::NamedRegistry<ActorType>& registry() {
  static auto* the_registry = new detail::NamedRegistry<ActorType>("actors");
  return *the_registry;
}

}  // namespace

bool ActorTypes::add(ActorType type) { return registry().add(std::move(type)); }
const ActorType* ActorTypes::find(std::string_view name) noexcept { return registry().find(name); }
std::vector<const ActorType*> ActorTypes::all() { return registry().all(); }

}  // namespace mailroom
