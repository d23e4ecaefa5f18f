#include "scenarios/orders/desk.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "scenarios/orders/products.hpp"

namespace orders {

void Desk::on(const Invoice& invoice, CustomerOrders& customer, mailroom::Context& context) {
  std::erase_if(customer.items, [&](const OrderedItem& item) { return item.left.quantity == 0 || item.at + options_.returns_within < invoice.closed_at; });
  if (invoice.cancellation)
    cancel(invoice, customer, context);
  else
    place(invoice, customer, context);
}

void Desk::place(const Invoice& invoice, CustomerOrders& customer, mailroom::Context& context) {
  if (std::any_of(customer.items.begin(), customer.items.end(), [&](const OrderedItem& item) { return item.invoice == invoice.invoice; }))
    throw mailroom::Rejected{fmt::format("invoice {} of customer {} exists already", invoice.invoice, invoice.customer)};
  const auto items = merge_lines(invoice.lines);
  for (const auto& item : items) customer.items.push_back({invoice.invoice, invoice.closed_at, item});
  for (const auto& need : stock_needed(items))
    context.emit(Reserve{need.stock_code, invoice.invoice, need.quantity, invoice.closed_at});
  context.emit(Order{invoice.invoice, invoice.customer, ++customer.orders, invoice.closed_at, invoice.total, items});
}

void Desk::cancel(const Invoice& invoice, CustomerOrders& customer, mailroom::Context& context) {
  std::int64_t pieces = 0;
  Money matched;
  for (auto& line : merge_lines(invoice.lines)) {
    for (auto item = customer.items.rbegin(); item != customer.items.rend() && line.quantity > 0; ++item) {
      if (item->left.stock_code != line.stock_code || item->left.unit_price != line.unit_price) continue;
      const auto quantity = std::min(line.quantity, item->left.quantity);
      if (quantity == 0) continue;
      item->left.quantity -= quantity;
      line.quantity -= quantity;
      matched += line.unit_price * quantity;
      context.emit(CancelItem{invoice.invoice, item->invoice, ++pieces, {line.stock_code, quantity, line.unit_price}, invoice.closed_at});
    }
  }
  context.emit(CancellationPlaced{invoice.invoice, invoice.customer, pieces, invoice.total, matched, invoice.closed_at});
}

}  // namespace orders
