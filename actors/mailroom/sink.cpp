#include <mailroom/sink.hpp>

#include <mailroom/named_registry.hpp>

namespace mailroom {
namespace {
detail::NamedRegistry<SinkType>& registry() {
  static auto* the_registry = new detail::NamedRegistry<SinkType>("sinks");
  return *the_registry;
}
}  // namespace

bool SinkTypes::add(SinkType type) { return registry().add(std::move(type)); }
const SinkType* SinkTypes::find(std::string_view name) noexcept { return registry().find(name); }
std::vector<const SinkType*> SinkTypes::all() { return registry().all(); }

}  // namespace mailroom
