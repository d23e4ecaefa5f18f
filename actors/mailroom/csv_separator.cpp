#include <mailroom/csv_separator.hpp>

#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom {

char csv_separator(std::string_view option) {
  const bool fits = option.size() == 1 && static_cast<unsigned char>(option[0]) < 0x80 &&
                    std::string_view("\"\r\n\0", 4).find(option[0]) == std::string_view::npos;
  if (!fits)
    throw BadValue(fmt::format("field \"separator\": expected one ASCII character other than a quote or a line break, such as \",\" or \"\\t\", found \"{}\"", option));
  return option[0];
}

}  // namespace mailroom
