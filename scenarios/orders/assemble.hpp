// Gathers the rows of an invoice. Keyed by customer, so that a customer's invoices leave in the order in which
// they were begun. An invoice is closed once no row of it has come for `quiet` (a durable timer).
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct AssembleOptions {
  // Not whole minutes, as the rows' times are: a row and the end of the wait never fall on the same moment.
  std::chrono::microseconds quiet = std::chrono::seconds(150);
};
MAILROOM_OPTIONS(AssembleOptions, quiet)

struct OpenInvoice {
  std::string invoice;
  bool cancellation = false;
  Timestamp last_at;
  std::vector<Line> lines;
};
MAILROOM_STRUCT(OpenInvoice, invoice, cancellation, last_at, lines)

struct OpenInvoices {
  std::vector<OpenInvoice> invoices;  // in the order in which they were begun
  Timestamp closed_until;             // rows up to `quiet` before that have had their chance
};
MAILROOM_STATE(OpenInvoices, invoices, closed_until)
MAILROOM_VERSION(OpenInvoices, 2)
MAILROOM_ADDED(OpenInvoices, 2, closed_until)

// Timer.
struct CloseInvoices {
  bool due = true;
};
MAILROOM_EVENT(CloseInvoices, due)

class Assemble : public mailroom::Actor<OpenInvoices> {
 public:
  using Options = AssembleOptions;
  using Emits = mailroom::Events<Invoice>;
  explicit Assemble(const AssembleOptions& options) : options_(options) {}

  // Throws Rejected for a row that comes after its invoice was closed.
  void on(const InvoiceLine& row, OpenInvoices& open, mailroom::Context& context);
  void on(const CloseInvoices&, OpenInvoices& open, mailroom::Context& context);

 private:
  void wait_for_first(const OpenInvoices& open, mailroom::Context& context) const;
  AssembleOptions options_;
};
MAILROOM_ACTOR(Assemble, InvoiceLine, CloseInvoices)

}  // namespace orders
