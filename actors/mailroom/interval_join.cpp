#include <mailroom/interval_join.hpp>

#include <mailroom/errors.hpp>

namespace mailroom {

void JoinOptions::check() const {
  if (before.count() < 0 || after.count() < 0 || before + after == std::chrono::microseconds(0))
    throw BadValue("\"before\" and \"after\": expected how far before and after the first stream's event the second's may be, "
                   "such as \"after\": \"1h\"");
  if (allowed_lateness.count() < 0 || allowed_lateness >= std::chrono::hours(24 * 49))
    throw BadValue("\"allowed_lateness\": expected less than 49 days");
}

}  // namespace mailroom
