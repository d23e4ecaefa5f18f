#include <mailroom/source.hpp>

#include <mailroom/named_registry.hpp>

namespace mailroom {
namespace {
detail::NamedRegistry<SourceType>& registry() {
  static auto* the_registry = new detail::NamedRegistry<SourceType>("sources");
  return *the_registry;
}
}  // namespace

bool SourceTypes::add(SourceType type) { return registry().add(std::move(type)); }
const SourceType* SourceTypes::find(std::string_view name) noexcept { return registry().find(name); }
std::vector<const SourceType*> SourceTypes::all() { return registry().all(); }

}  // namespace mailroom
