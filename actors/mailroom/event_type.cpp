#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <unordered_map>

#include <mailroom/batch_codec.hpp>
#include <mailroom/event_type.hpp>

namespace mailroom {
namespace {

struct Registry {
  std::shared_mutex mutex;
  std::deque<std::unique_ptr<EventType>> types;
  std::unordered_map<std::string, const EventType*> by_name;
  std::unordered_map<std::uint32_t, const EventType*> by_schema;
};
Registry& registry() {
  static auto* the_registry = new Registry;  // never destroyed: other libraries' statics may still use it
  return *the_registry;
}

bool same_fields(const Schema& a, const Schema& b) {
  if (a.fields.size() != b.fields.size()) return false;
  for (std::size_t i = 0; i < a.fields.size(); ++i)
    if (a.fields[i].name != b.fields[i].name || a.fields[i].type != b.fields[i].type) return false;
  return true;
}

}  // namespace

EventType::EventType(std::string name, std::uint16_t version, Schema schema)
    : name_(std::move(name)), schema_id_(crc32c(name_)), version_(version), schema_(std::move(schema)) {}

const EventType& EventTypes::add(std::unique_ptr<EventType> type) {
  auto& all = registry();
  const std::unique_lock lock(all.mutex);
  if (const auto found = all.by_name.find(type->name()); found != all.by_name.end()) {
    if (same_fields(found->second->schema(), type->schema()) && found->second->version() == type->version())
      return *found->second;
    throw std::logic_error(
        fmt::format("two event types are named {} and have different fields; rename one of them", type->name()));
  }
  if (const auto found = all.by_schema.find(type->schema_id()); found != all.by_schema.end())
    throw std::logic_error(fmt::format("event types {} and {} have the same schema id; rename one of them",
                                       found->second->name(), type->name()));
  type->index_ = static_cast<std::uint16_t>(all.types.size());
  all.by_name.emplace(type->name(), type.get());
  all.by_schema.emplace(type->schema_id(), type.get());
  all.types.push_back(std::move(type));
  return *all.types.back();
}

const EventType* EventTypes::find(std::string_view name) noexcept {
  auto& all = registry();
  const std::shared_lock lock(all.mutex);
  const auto found = all.by_name.find(std::string(name));
  return found == all.by_name.end() ? nullptr : found->second;
}

const EventType* EventTypes::find_schema(std::uint32_t schema_id) noexcept {
  auto& all = registry();
  const std::shared_lock lock(all.mutex);
  const auto found = all.by_schema.find(schema_id);
  return found == all.by_schema.end() ? nullptr : found->second;
}

const EventType& EventTypes::at(std::uint16_t index) {
  auto& all = registry();
  const std::shared_lock lock(all.mutex);
  return *all.types.at(index);
}

std::vector<const EventType*> EventTypes::all() {
  auto& all = registry();
  const std::shared_lock lock(all.mutex);
  std::vector<const EventType*> types;
  for (const auto& type : all.types) types.push_back(type.get());
  return types;
}

}  // namespace mailroom
