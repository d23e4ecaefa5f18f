#include <charconv>
#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {
namespace {

[[noreturn]] void refuse(std::string_view text) {
  throw BadValue(fmt::format("expected a time such as \"2010-12-01 08:26:00\", found \"{}\"", text.substr(0, 60)));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : all_(text), rest_(text) {}
  [[nodiscard]] int number(std::size_t digits, int low, int high) {
    int value = 0;
    if (rest_.size() < digits) refuse(all_);
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') refuse(all_);
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    if (value < low || value > high) refuse(all_);
    return value;
  }
  [[nodiscard]] bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse(all_);
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::int64_t fraction() {
    std::int64_t micros = 0;
    std::size_t digits = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      if (digits < 6) micros = micros * 10 + (rest_.front() - '0');
      ++digits;
      rest_.remove_prefix(1);
    }
    if (digits == 0 || digits > 9) refuse(all_);
    for (auto d = digits; d < 6; ++d) micros *= 10;
    return micros;
  }

 private:
  std::string_view all_, rest_;
};

}  // namespace

std::string Timestamp::to_string() const {
  if (*this == min()) return "the beginning";
  if (*this == max()) return "the end";
  using namespace std::chrono;
  auto second = micros / 1'000'000;
  auto rest = micros % 1'000'000;
  if (rest < 0) {
    rest += 1'000'000;
    --second;
  }
  auto day = second / 86400;
  auto of_day = second % 86400;
  if (of_day < 0) {
    of_day += 86400;
    --day;
  }
  const year_month_day date{sys_days{days{day}}};
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), of_day / 3600,
                          of_day / 60 % 60, of_day % 60);
  if (rest != 0) text += fmt::format(".{:06}", rest);
  return text + "Z";
}

Timestamp Timestamp::parse(std::string_view text) {
  using namespace std::chrono;
  Reader in(text);
  const year y{in.number(4, 0, 9999)};
  in.expect('-');
  const month m{static_cast<unsigned>(in.number(2, 1, 12))};
  in.expect('-');
  const day d{static_cast<unsigned>(in.number(2, 1, 31))};
  const year_month_day date{y, m, d};
  if (!date.ok()) refuse(text);
  std::int64_t seconds = sys_days{date}.time_since_epoch().count() * std::int64_t{86400};
  std::int64_t fraction = 0;
  if (!in.at_end()) {
    if (!in.take('T') && !in.take(' ')) refuse(text);
    seconds += in.number(2, 0, 23) * 3600;
    in.expect(':');
    seconds += in.number(2, 0, 59) * 60;
    if (in.take(':')) seconds += in.number(2, 0, 59);
    if (in.take('.')) fraction = in.fraction();
    if (!in.take('Z')) {
      const bool plus = in.take('+');
      if (plus || in.take('-')) {
        auto offset = in.number(2, 0, 23) * 3600;
        if (in.take(':') || !in.at_end()) offset += in.number(2, 0, 59) * 60;
        seconds -= plus ? offset : -offset;
      }
    }
    if (!in.at_end()) refuse(text);
  }
  return {seconds * 1'000'000 + fraction};
}

}  // namespace mailroom
