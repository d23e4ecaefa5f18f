#include <mailroom/named_registry.hpp>
#include <mailroom/sink.hpp>
#include <mailroom/sinks/built_in_sinks.hpp>

namespace mailroom {
namespace {
detail::NamedRegistry<SinkType>& registry() {
  // As in source.cpp: the built-in types are there before any other.
  static auto* the_registry = [] {
    auto* made = new detail::NamedRegistry<SinkType>("sinks");
    for (auto& type : built_in_sinks()) made->add(std::move(type));
    return made;
  }();
  return *the_registry;
}
}  // namespace

bool SinkTypes::add(SinkType type) { return registry().add(std::move(type)); }
const SinkType* SinkTypes::find(std::string_view name) noexcept { return registry().find(name); }
std::vector<const SinkType*> SinkTypes::all() { return registry().all(); }

}  // namespace mailroom
