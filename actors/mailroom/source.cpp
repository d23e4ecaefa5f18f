#include <mailroom/named_registry.hpp>
#include <mailroom/source.hpp>
#include <mailroom/sources/built_in_sources.hpp>

namespace mailroom {
namespace {
detail::NamedRegistry<SourceType>& registry() {
  // Never destroyed: other libraries' statics may still use it. Filled here and not by statics of their own files: then
  // the built-in types are there before any other, in whatever order files are initialised.
  static auto* the_registry = [] {
    auto* made = new detail::NamedRegistry<SourceType>("sources");
    for (auto& type : built_in_sources()) made->add(std::move(type));
    return made;
  }();
  return *the_registry;
}
}  // namespace

bool SourceTypes::add(SourceType type) { return registry().add(std::move(type)); }
const SourceType* SourceTypes::find(std::string_view name) noexcept { return registry().find(name); }
std::vector<const SourceType*> SourceTypes::all() { return registry().all(); }

}  // namespace mailroom
