#include "scenarios/orders/assemble.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "scenarios/orders/products.hpp"

namespace orders {

void Assemble::on(const InvoiceLine& row, OpenInvoices& open, mailroom::Context& context) {
  auto found = std::find_if(open.invoices.begin(), open.invoices.end(), [&](const OpenInvoice& o) { return o.invoice == row.invoice; });
  if (found == open.invoices.end()) {
    // A row older than what the clock has passed by `quiet` belongs to an invoice that is closed already. (The end of the
    // input closes all: a row that an operator has tried again after that is at its own time.)
    const auto reached = std::max(context.now(), open.closed_until);
    if (row.at + options_.quiet <= reached)
      throw mailroom::Rejected{fmt::format("late row: invoice {} is of {} and was closed by {}", row.invoice, row.at.to_string(), reached.to_string())};
    found = open.invoices.insert(open.invoices.end(), {row.invoice, row.cancellation, row.at, {}});
  }
  found->last_at = std::max(found->last_at, row.at);
  found->lines.push_back(row.line);
  wait_for_first(open, context);
}

void Assemble::on(const CloseInvoices&, OpenInvoices& open, mailroom::Context& context) {
  const auto now = context.event_time();
  while (!open.invoices.empty() && open.invoices.front().last_at + options_.quiet <= now) {
    auto& first = open.invoices.front();
    const auto total = total_of(first.lines);
    context.emit(Invoice{std::move(first.invoice), std::string(context.key()), first.cancellation, first.last_at, now, total, std::move(first.lines)});
    open.invoices.erase(open.invoices.begin());
  }
  open.closed_until = std::max(open.closed_until, now);
  if (!open.invoices.empty()) wait_for_first(open, context);
}

void Assemble::wait_for_first(const OpenInvoices& open, mailroom::Context& context) const {
  // An invoice begun earlier may be closed later than one behind it: that one waits, to keep the customer's order.
  context.at(open.invoices.front().last_at + options_.quiet, CloseInvoices{}, "close");
}

}  // namespace orders
