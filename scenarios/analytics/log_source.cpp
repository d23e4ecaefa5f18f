#include "scenarios/analytics/log_source.hpp"

#include <fmt/format.h>

#include <mailroom/sources/file_input.hpp>
#include <mailroom/sources/record_format.hpp>
#include <mailroom/sources/record_source.hpp>
#include <mailroom/sources/utf8.hpp>

#include "scenarios/analytics/access_line.hpp"

namespace analytics {
namespace {

using mailroom::SeededChoice;

// Appends the line as an event, or says what is wrong with it.
bool append_line(std::string_view text, mailroom::EventBatch& events, std::string& reason) {
  if (const auto bad = mailroom::first_byte_not_text(text); bad != std::string_view::npos) {
    reason = fmt::format("byte {} of the line is \\x{:02X}, expected UTF-8 text", bad + 1, static_cast<unsigned char>(text[bad]));
    return false;
  }
  try {
    const auto head = read_head(text);
    LogLine line{head.time, std::string(head.client), std::string(text)};
    events.append_move(mailroom::event_type_of<LogLine>(), &line, {head.time});
    return true;
  } catch (const mailroom::BadValue& error) {
    reason = error.what();
    return false;
  }
}

class AccessLogFormat final : public mailroom::RecordFormat {
 public:
  Taken take(mailroom::LineReader& lines, mailroom::EventBatch& events, std::string& reason) override {
    if (lines.record().empty()) return Taken::blank;
    return append_line(lines.record(), events, reason) ? Taken::event : Taken::dirty;
  }
};

}  // namespace

AccessLog::AccessLog(const AccessLogOptions& options, const mailroom::SourceSettings& settings) {
  if (settings.path.empty()) throw mailroom::BadValue("\"path\" is missing: the access log, or a folder of *.log files");
  mailroom::FileInputSettings files{settings.path, {".log"}, {}, options.follow};
  lines_ = std::make_unique<mailroom::RecordSource>(std::make_unique<mailroom::FileInput>(std::move(files)),
                                                    std::make_unique<AccessLogFormat>(), static_cast<std::size_t>(options.max_line));
}
MAILROOM_SOURCE(AccessLog, "access_log")

LogGenerator::LogGenerator(const LogGeneratorOptions& options)
    : options_(options), visitors_(std::max<std::uint64_t>(1, options.visitors), 0.9), paths_(std::max<std::uint64_t>(1, options.paths), 0.9) {
  const auto share = [](double p) { return p >= 0 && p <= 1; };
  if (options.per_minute == 0 || options.visitors == 0 || options.paths == 0 || !share(options.disordered) || !share(options.late) ||
      !share(options.duplicates) || !share(options.dirt) || !share(options.ahead))
    throw mailroom::BadValue("access_log_generator: expected per_minute, visitors and paths from 1, and shares from 0 to 1");
}
MAILROOM_SOURCE(LogGenerator, "access_log_generator")

bool LogGenerator::repeats(std::uint64_t number) const {
  return number > 0 && SeededChoice(options_.seed, {"repeats"}, number).chance(options_.duplicates);
}

void LogGenerator::line(std::uint64_t number, std::string& text) const {
  if (repeats(number)) {
    const auto most = static_cast<std::int64_t>(std::min(number, std::max<std::uint64_t>(1, options_.per_minute / 2)));
    number -= static_cast<std::uint64_t>(SeededChoice(options_.seed, {"which"}, number).integer(1, most));
    while (number > 0 && repeats(number)) --number;
  }
  SeededChoice choice(options_.seed, {"line"}, number);
  const auto minute = number / options_.per_minute;
  auto seconds = options_.start.micros / 1'000'000 + static_cast<std::int64_t>(minute * 60 + number % options_.per_minute * 60 / options_.per_minute);
  const auto order = choice.real();
  if (order < options_.late)
    seconds -= choice.integer(20, 180);
  else if (order < options_.late + options_.disordered)
    seconds -= choice.integer(1, 8);
  if (SeededChoice(options_.seed, {"ahead"}, number).chance(options_.ahead)) seconds += 365 * 86'400;
  // The audience changes from hour to hour; three minutes of a hundred have a fault.
  const auto visitor = mailroom::scramble(visitors_.draw(choice.real()) + minute / 60 * 1'000'003);
  const auto path = paths_.draw(choice.real());
  const bool fault = SeededChoice(options_.seed, {"fault"}, minute).chance(0.03);
  const auto failed = choice.chance(fault ? 0.3 : 0.004);
  const auto status = failed ? 500 + choice.integer(0, 3) : choice.chance(0.05) ? 404 : choice.chance(0.1) ? 304 : 200;
  const auto bytes = failed || status == 304 ? 0 : static_cast<std::int64_t>(std::exp(5 + 8 * choice.real() * choice.real()));

  const std::chrono::sys_seconds moment{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const auto in_day = (moment - day).count();
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  text.clear();
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}.{}.{}.{} - - [{:02}/{}/{}:{:02}:{:02}:{:02} +0000] \"GET /page/{} HTTP/1.1\" {} {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64) {}\"",
                 visitor >> 24 & 0xFF, visitor >> 16 & 0xFF, visitor >> 8 & 0xFF, visitor & 0xFF, static_cast<unsigned>(date.day()),
                 months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), in_day / 3'600, in_day / 60 % 60, in_day % 60,
                 path, status, bytes, number);
  if (!choice.chance(options_.dirt)) return;
  switch (choice.integer(0, 3)) {
    case 0: text.resize(text.size() / 8); break;                      // cut off before its time
    case 1: text.replace(text.find("GET"), 3, "\\x16\\x03"); break;   // someone speaks TLS to a plain port: no path
    case 2: text.replace(text.find('['), 3, "[99"); break;            // no such day
    default: text.resize(text.find("HTTP") + 6);                      // cut off in the middle
  }
}

mailroom::ReadStatus LogGenerator::read(mailroom::SourceBatch& batch, std::size_t max_events) {
  for (std::size_t n = 0; n < max_events && next_ < options_.lines; ++n, ++next_) {
    line(next_, text_);
    std::string reason;
    if (!append_line(text_, batch.events, reason)) batch.dirty.push_back({fmt::format("line {}", next_ + 1), std::move(reason), text_});
  }
  return next_ < options_.lines ? mailroom::ReadStatus::more : mailroom::ReadStatus::end;
}

}  // namespace analytics
