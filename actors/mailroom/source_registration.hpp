// Registers a Source class under the name that topologies use: MAILROOM_SOURCE(Orders, "orders_generator").
#pragma once

#include <memory>
#include <type_traits>

#include <mailroom/source.hpp>
#include <mailroom/typed_actor.hpp>

namespace mailroom {

template <class S>
SourceType make_source_type(std::string name) {
  using Options = typename detail::OptionsOf<S>::type;
  SourceType type;
  type.name = std::move(name);
  type.needs_path = false;
  if constexpr (requires { typename S::Emits; }) {
    type.needs_event = false;
    type.emits = detail::types_of(typename S::Emits{});
  }
  const auto read_options = [](const nlohmann::json& json) {
    if constexpr (detail::OptionsOf<S>::has)
      return from_json<Options>(json);
    else {
      refuse_unknown_members(json, {}, {});
      return Options{};
    }
  };
  if constexpr (detail::OptionsOf<S>::has) type.options_schema = schema_of<Options>();
  type.check_options = [read_options](const nlohmann::json& json) { (void)read_options(json); };
  type.make = [read_options](const SourceSettings& settings) -> std::unique_ptr<Source> {
    if constexpr (std::is_constructible_v<S, const Options&, const SourceSettings&>)
      return std::make_unique<S>(read_options(settings.options), settings);
    else if constexpr (detail::OptionsOf<S>::has)
      return std::make_unique<S>(read_options(settings.options));
    else
      return std::make_unique<S>();
  };
  return type;
}

}  // namespace mailroom

#define MAILROOM_SOURCE(Class, name)                           \
  [[maybe_unused]] inline const bool mailroom_source_##Class = \
      ::mailroom::SourceTypes::add(::mailroom::make_source_type<Class>(name));
