// A scenario made to have everything that can go wrong: several producers, timers with and without names, a cycle, each
// overflow policy and each way to give up. Its actors do little, so that a simulated run of it is short.
#include <fmt/format.h>

#include <mailroom/invariant.hpp>
#include <mailroom/mailroom.hpp>

namespace workshop {

struct Job {
  std::string customer;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Job, customer, number)

struct Piece {
  std::string customer, material;
  std::int64_t number = 0, of_customer = 0;
};
MAILROOM_EVENT(Piece, customer, material, number, of_customer)

struct Polished {
  std::string material;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Polished, material, number)

struct Redo {
  std::string customer;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Redo, customer, number)

struct Reminder {
  std::string about;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Reminder, about, number)

struct Stored {
  std::string material;
  std::int64_t pieces = 0, sum = 0;
};
MAILROOM_EVENT(Stored, material, pieces, sum)

struct JobsOptions {
  std::int64_t jobs = 600, customers = 7;
};
MAILROOM_OPTIONS(JobsOptions, jobs, customers)

class Jobs : public mailroom::Source {
 public:
  using Options = JobsOptions;
  using Emits = mailroom::Events<Job>;
  explicit Jobs(const JobsOptions& options) : options_(options) {}
  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t most) override {
    for (; most > 0 && next_ < options_.jobs; --most, ++next_) {
      Job job{fmt::format("customer {}", next_ * next_ % options_.customers), next_};
      batch.events.append_move(mailroom::event_type_of<Job>(), &job, {});
    }
    return next_ < options_.jobs ? mailroom::ReadStatus::more : mailroom::ReadStatus::end;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override { next_ = position.get<std::int64_t>(); }

 private:
  const JobsOptions options_;
  std::int64_t next_ = 0;
};
MAILROOM_SOURCE(Jobs, "workshop_jobs")

struct Bench {
  std::int64_t jobs = 0, reminders = 0, again = 0;
};
MAILROOM_STATE(Bench, jobs, reminders, again)

// Several pieces of each job; a reminder that each job puts off, and some that nobody does.
class Carpenter : public mailroom::Actor<Bench> {
 public:
  using Emits = mailroom::Events<Piece>;
  void on(const Job& job, Bench& bench, mailroom::Context& context) {
    if (job.number % 41 == 40) throw mailroom::Rejected{"not enough wood"};
    ++bench.jobs;
    for (std::int64_t n = 0; n < 1 + job.number % 3; ++n)
      context.emit(Piece{job.customer, fmt::format("material {}", (job.number + n) % 5), 10 * job.number + n, bench.jobs});
    context.after(std::chrono::milliseconds(200), Reminder{"tidy up", bench.jobs}, "tidy");
    if (job.number % 4 == 0) context.after(std::chrono::milliseconds(job.number % 100), Reminder{"sharpen", job.number});
    if (job.number % 5 == 4) context.cancel("tidy");
  }
  void on(const Redo& redo, Bench& bench, mailroom::Context& context) {
    ++bench.again;
    context.emit(Piece{redo.customer, "spare", redo.number, bench.again});
  }
  void on(const Reminder& reminder, Bench& bench, mailroom::Context& context) {
    ++bench.reminders;
    // The last timers of all still cause something at every stage.
    if (reminder.about == "tidy up") context.emit(Piece{std::string(context.key()), "shavings", 10 * reminder.number + 9, bench.reminders});
    if (reminder.about == "tidy up" && bench.reminders % 3 == 0) context.forget();
  }
};
MAILROOM_ACTOR(Carpenter, Job, Redo, Reminder)

class Polish : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Polished>;
  void on(const Piece& piece, mailroom::Context& context) { context.emit(Polished{piece.material, piece.number}); }
};
MAILROOM_ACTOR(Polish, Piece)

struct Shelf {
  std::int64_t pieces = 0, sum = 0;
};
MAILROOM_STATE(Shelf, pieces, sum)

class Storekeeper : public mailroom::Actor<Shelf> {
 public:
  using Emits = mailroom::Events<Stored, Redo>;
  void on(const Polished& piece, Shelf& shelf, mailroom::Context& context) {
    ++shelf.pieces;
    shelf.sum += piece.number;
    context.emit(Stored{piece.material, shelf.pieces, shelf.sum});
    if (piece.number % 8 == 3 && piece.material != "spare") context.emit(Redo{fmt::format("customer {}", piece.number % 7), piece.number});
  }
};
MAILROOM_ACTOR(Storekeeper, Polished)

// Watches what passes, as far as it can follow.
class Glance : public mailroom::Actor<Shelf> {
 public:
  using Emits = mailroom::Events<Stored>;
  void on(const Piece& piece, Shelf& shelf, mailroom::Context& context) {
    context.emit(Stored{piece.material, ++shelf.pieces, piece.of_customer});
  }
};
MAILROOM_ACTOR(Glance, Piece)

// One piece of each job. Every second one is swept up after, before the next job or behind it; else nothing happens on the side
// that would give a stage that stands still another chance.
class Cutter : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Piece>;
  void on(const Job& job, mailroom::Context& context) {
    context.emit(Piece{job.customer, fmt::format("material {}", job.number % 5), job.number, job.number});
    if (job.number % 2 == 0) context.after(std::chrono::microseconds(100), Reminder{"sweep", job.number});
  }
  void on(const Reminder&, mailroom::Context&) {}
};
MAILROOM_ACTOR(Cutter, Job, Reminder)

// The store has each polished piece once.
class ShelvesHoldWhatWasPolished : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    std::int64_t held = 0;
    for (const auto& [material, shelf] : run.states<Shelf>("store")) held += shelf.pieces;
    const auto written = static_cast<std::int64_t>(run.output<Stored>("stored").size());
    if (held != written) throw mailroom::Broken(fmt::format("the shelves hold {} pieces, and {} were reported", held, written));
  }
};
MAILROOM_INVARIANT(ShelvesHoldWhatWasPolished, "workshop")

}  // namespace workshop
