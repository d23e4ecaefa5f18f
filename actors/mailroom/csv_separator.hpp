// The option "separator" of CSV sources and sinks.
#pragma once

#include <string_view>

namespace mailroom {

// One ASCII character that is no quote, line break or NUL. Throws BadValue.
char csv_separator(std::string_view option);

}  // namespace mailroom
