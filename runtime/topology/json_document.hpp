// A JSON file with the line of everything in it: nlohmann_json parses, and remembers where each member stood.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace mailroom::runtime {

struct JsonDocument {
  nlohmann::json value;
  std::map<std::string, int> lines;  // JSON pointer -> line, from 1

  // The line of what the pointer names, or of the nearest thing around it that exists.
  [[nodiscard]] int line_of(std::string pointer) const;
};

struct JsonSyntaxError {
  int line = 0, column = 0;
  std::string text;  // what was found and what was expected
};

// Strict JSON; a name twice in one object is an error; at most 200 levels deep and 16 MiB long.
// Never throws for what `text` holds: `error` says what is wrong, and the document is then empty.
JsonDocument parse_json_document(const std::string& text, std::optional<JsonSyntaxError>& error);

// A name as a part of a JSON pointer.
std::string pointer_part(const std::string& name);

}  // namespace mailroom::runtime
