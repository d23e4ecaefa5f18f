// What a type's fields are, as plain values: for checks, key look-ups, CSV headers and documentation.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

enum class FieldKind : std::uint8_t {
  boolean,
  integer,
  real,
  text,
  money,
  time,
  duration,
  enumeration,
  list,
  map,
  object
};

struct Schema;

struct SchemaField {
  std::string name;
  std::string type;  // for people: "integer", "list of Line", "text, may be absent"
  FieldKind kind = FieldKind::text;
  bool optional = false;
  FieldKind element = FieldKind::text;   // lists and maps: of what
  std::shared_ptr<const Schema> nested;  // objects, and lists and maps of objects
  std::vector<std::string> names;        // enumerations
  unsigned since = 1;                    // the schema version that brought it
};

struct Schema {
  std::string name;
  std::vector<SchemaField> fields;

  [[nodiscard]] const SchemaField* field(std::string_view field_name) const noexcept {
    for (const auto& f : fields)
      if (f.name == field_name) return &f;
    return nullptr;
  }
};

// JSON Schema of the type's JSON form.
nlohmann::json to_json_schema(const Schema& schema);

}  // namespace mailroom
