#include <mailroom/saved_position.hpp>

#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom {

std::uint64_t saved_number(const nlohmann::json& position, const char* member, std::string_view whose) {
  const auto found = position.is_object() ? position.find(member) : position.end();
  if (found != position.end() && found->is_number_integer() && (found->is_number_unsigned() || found->get<std::int64_t>() >= 0))
    return found->get<std::uint64_t>();
  throw CorruptData(fmt::format("{}: the saved position is {}, expected a number \"{}\" in it; was the stage another source or sink when it was saved?",
                                whose, position.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), member));
}

}  // namespace mailroom
