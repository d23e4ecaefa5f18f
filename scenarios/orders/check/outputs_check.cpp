#include "scenarios/orders/check/outputs_check.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <stdexcept>

namespace orders_check {

using nlohmann::json;

namespace {

std::string text(const json& row, const char* field) { return row.at(field).get<std::string>(); }
std::int64_t count(const json& row, const char* field) { return row.at(field).get<std::int64_t>(); }
std::int64_t pence(const json& row, const char* field) { return minor_units(text(row, field)); }
std::string pounds(std::int64_t minor) { return fmt::format("{}{}.{:02}", minor < 0 ? "-" : "", std::abs(minor) / 100, std::abs(minor) % 100); }
bool cancels(const std::string& invoice) { return !invoice.empty() && invoice.front() == 'C'; }

using Check = mailroom::CheckedInvariant;

// What the ledger says of one invoice.
struct Book {
  std::int64_t captured = 0, captures = 0, sold = 0, sales = 0, taken_back = 0, refunded = 0, owed = 0;
};
// What the stock file says of one invoice's units.
struct Units {
  std::int64_t reserved = 0, shipped = 0, taken_back = 0;
};

class OutputsCheck {
 public:
  // `unsettled`: invoices of which only the stock's rows are there.
  OutputsCheck(const Outputs& outputs, const std::set<std::string>& unsettled, Report& report)
      : outputs_(outputs), unsettled_(unsettled), report_(report) {
    for (const auto& row : outputs_.invoices) invoices_.emplace(text(row, "invoice"), &row);
    for (const auto& row : outputs_.outcomes) endings_.emplace(text(row, "invoice"), &row);
  }

  void check_rows_against_input(const std::vector<ShopRow>& input, const std::optional<Rows>& dead_letters) {
    std::map<std::string, std::int64_t> dirty;                              // identity -> how often
    std::map<std::string, std::vector<std::string>> faults;
    std::map<std::string, std::vector<std::string>> clean;                  // invoice -> its lines
    std::map<std::string, std::vector<std::string>> order_of_customer;      // customer -> invoices as begun
    for (const auto& row : input) {
      auto found = faults_of(row);
      if (!found.empty()) {
        const auto identity = identity_of(row);
        ++dirty[identity];
        faults[identity] = std::move(found);
        continue;
      }
      auto& lines = clean[row.invoice];
      if (lines.empty()) order_of_customer[customer_of(row)].push_back(row.invoice);
      std::string code = row.stock_code;
      std::transform(code.begin(), code.end(), code.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      lines.push_back(fmt::format("{} x {} at {}", code, std::abs(std::stoll(row.quantity)), pounds(minor_units(row.price))));
    }

    Check in_invoices(report_, "every clean row is in its invoice, in order");
    for (const auto& [invoice, lines] : clean) {
      const auto found = invoices_.find(invoice);
      std::vector<std::string> written;
      if (found != invoices_.end())
        for (const auto& line : found->second->at("lines"))
          written.push_back(fmt::format("{} x {} at {}", text(line, "stock_code"), count(line, "quantity"), pounds(pence(line, "unit_price"))));
      for (std::size_t i = 0; i < lines.size(); ++i)
        in_invoices.expect(i < written.size() && written[i] == lines[i], "invoice {}, row {}: {} is {}", invoice, i + 1, lines[i],
                           i < written.size() ? written[i] : "missing");
      in_invoices.expect(written.size() == lines.size(), "invoice {}: {} rows, expected {}", invoice, written.size(), lines.size());
    }
    Check no_other(report_, "no invoice that was not in the input");
    for (const auto& [invoice, row] : invoices_) no_other.expect(clean.contains(invoice), "invoice {}", invoice);

    Check customer_order(report_, "each customer's invoices keep their order");
    std::map<std::string, std::vector<std::string>> written_order;
    for (const auto& row : outputs_.invoices) written_order[text(row, "customer")].push_back(text(row, "invoice"));
    for (const auto& [customer, invoices] : order_of_customer)
      customer_order.expect(written_order[customer] == invoices, "customer {}: {} instead of {}", customer, fmt::join(written_order[customer], " "),
                            fmt::join(invoices, " "));

    if (!dead_letters) return;
    Check accounted(report_, "every dirty row is a dead letter with all its faults");
    Check unexpected(report_, "every dead letter is a dirty row");
    auto missing = dirty;
    for (const auto& letter : *dead_letters) {
      std::string identity = text(letter, "reason");
      const auto& payload = letter.at("payload");
      if (payload.is_object() && payload.contains("invoice_no")) identity = identity_of(row_from_json(payload));
      const auto found = missing.find(identity);
      unexpected.expect(found != missing.end() && found->second > 0, "dead letter {} ({}): {}", text(letter, "id"), text(letter, "reason"), payload.dump());
      if (found == missing.end() || found->second == 0) continue;
      --found->second;
      for (const auto& fault : faults[identity])
        accounted.expect(text(letter, "reason").find(fault) != std::string::npos, "{}: the reason \"{}\" does not say \"{}\"", identity,
                         text(letter, "reason"), fault);
    }
    for (const auto& [identity, times] : missing) accounted.expect(times == 0, "{} times no dead letter for {}", times, identity);
  }

  void check_endings() {
    Check once(report_, "every invoice is assembled once");
    once.expect(invoices_.size() == outputs_.invoices.size(), "{} rows for {} invoices", outputs_.invoices.size(), invoices_.size());
    Check exactly_one(report_, "every invoice ends in exactly one final state");
    std::map<std::string, int> endings;
    for (const auto& row : outputs_.outcomes) ++endings[text(row, "invoice")];
    for (const auto& [invoice, row] : invoices_) exactly_one.expect(endings[invoice] == 1, "invoice {} has {} final states", invoice, endings[invoice]);
    for (const auto& [invoice, times] : endings) exactly_one.expect(invoices_.contains(invoice), "invoice {} has {} final states and was never assembled", invoice, times);
    Check fits(report_, "the final state fits the kind of invoice");
    static const std::set<std::string> of_orders{"fulfilled", "cancelled", "refused"};
    for (const auto& row : outputs_.outcomes)
      fits.expect(of_orders.contains(text(row, "ending")) != cancels(text(row, "invoice")), "invoice {} is {}", text(row, "invoice"), text(row, "ending"));
  }

  void check_stock() {
    struct Stock { std::int64_t received = 0, on_hand = 0, reserved = 0, shipped = 0; };
    std::map<std::string, Stock> stocks;
    std::map<std::pair<std::string, std::string>, Units> of_order;  // code, invoice
    Check balance(report_, "on hand + reserved + shipped = received, none negative");
    Check known(report_, "no reservation without an order, and none of more");
    Check sequence(report_, "per order and product: reserved before released or shipped, shipped before taken back");
    for (const auto& row : outputs_.stock) {
      const auto code = text(row, "stock_code"), invoice = text(row, "invoice"), movement = text(row, "movement");
      const auto quantity = count(row, "quantity");
      auto& stock = stocks[code];
      auto& units = of_order[{code, invoice}];
      if (movement == "opening" || movement == "delivery") {
        stock.received += quantity;
        stock.on_hand += quantity;
      } else if (movement == "reserve") {
        stock.on_hand -= quantity;
        stock.reserved += quantity;
        units.reserved += quantity;
        if (!unsettled_.contains(invoice))
          known.expect(quantity == ordered(invoice, code), "{} of {} are reserved for invoice {}, which orders {}", quantity, code, invoice, ordered(invoice, code));
      } else if (movement == "take_back") {
        stock.received += quantity;
        stock.on_hand += quantity;
        units.taken_back += quantity;
      } else {
        stock.reserved -= quantity;
        units.reserved -= quantity;
        (movement == "ship" ? stock.shipped : stock.on_hand) += quantity;
        if (movement == "ship") units.shipped += quantity;
      }
      balance.expect(stock.on_hand >= 0 && stock.reserved >= 0 && stock.shipped >= 0 && stock.on_hand + stock.reserved + stock.shipped == stock.received,
                     "{} after {} {} for {}: on hand {}, reserved {}, shipped {}, received {}", code, movement, quantity, invoice, stock.on_hand,
                     stock.reserved, stock.shipped, stock.received);
      sequence.expect(units.reserved >= 0 && units.taken_back <= units.shipped, "{} of invoice {} at {}: reserved {}, shipped {}, taken back {}", code,
                      invoice, movement, units.reserved, units.shipped, units.taken_back);
    }
    Check released(report_, "nothing is reserved at the end; only fulfilled orders have shipped");
    for (const auto& [key, units] : of_order) {
      if (key.second.empty() || unsettled_.contains(key.second)) continue;
      released.expect(units.reserved == 0, "{} of {} still reserved for invoice {}", units.reserved, key.first, key.second);
      released.expect(units.shipped == 0 || ending(key.second) == "fulfilled", "{} of {} shipped for invoice {}, which is {}", units.shipped, key.first,
                      key.second, ending(key.second));
    }
  }

  void check_books() {
    std::map<std::string, std::int64_t> accounts;  // debits - credits
    std::set<std::string> names;
    std::map<std::string, std::int64_t> returned_by;  // cancellation
    Check debits(report_, "debits = credits at every point");
    Check unique(report_, "no posting twice");
    Check owed(report_, "no invoice has a negative balance at any point");
    std::int64_t all = 0;
    for (const auto& row : outputs_.ledger) {
      const auto posting = text(row, "posting"), entry = text(row, "entry");
      std::int64_t amount = 0;
      for (const auto& leg : row.at("legs")) {
        accounts[text(leg, "account")] += pence(leg, "debit") - pence(leg, "credit");
        all += pence(leg, "debit") - pence(leg, "credit");
        amount += pence(leg, "debit");
      }
      debits.expect(all == 0, "after posting \"{}\" debits - credits = {}", posting, pounds(all));
      unique.expect(names.insert(posting).second, "posting \"{}\"", posting);
      auto& book = books_[text(row, "invoice")];
      if (entry == "capture") book.captured += amount, book.owed += amount, ++book.captures;
      if (entry == "sale") book.sold += amount, book.owed -= amount, ++book.sales;
      if (entry == "take_back") {
        book.taken_back += amount, book.owed += amount;
        const auto cancellation = posting.substr(posting.find(' ') + 1);
        returned_by[cancellation.substr(0, cancellation.find('/'))] += amount;
      }
      if (entry == "refund") book.refunded += amount, book.owed -= amount;
      owed.expect(book.owed >= 0 && book.taken_back <= book.sold && book.refunded <= book.captured, "invoice {} after \"{}\": owed {}", text(row, "invoice"),
                  posting, pounds(book.owed));
    }
    Check settled(report_, "nothing is owed to anyone at the end");
    for (const auto& [account, balance] : accounts)
      if (account.starts_with("customer:")) settled.expect(balance == 0, "account {}: {}", account, pounds(balance));

    Check single(report_, "at most one capture per payment, and one sale");
    for (const auto& [invoice, book] : books_)
      single.expect(book.captures <= 1 && book.sales <= 1, "invoice {}: {} captures, {} sales", invoice, book.captures, book.sales);

    Check equation(report_, "captured - refunded = fulfilled, in each final state and in the books");
    std::int64_t captured = 0, refunded = 0, fulfilled = 0;
    for (const auto& row : outputs_.outcomes) {
      const auto invoice = text(row, "invoice");
      captured += pence(row, "captured");
      refunded += pence(row, "refunded");
      fulfilled += pence(row, "fulfilled");
      equation.expect(pence(row, "captured") - pence(row, "refunded") == pence(row, "fulfilled"), "invoice {}: {} - {} is not {}", invoice,
                      text(row, "captured"), text(row, "refunded"), text(row, "fulfilled"));
      if (cancels(invoice)) {
        equation.expect(returned_by[invoice] == pence(row, "refunded"), "cancellation {}: {} was taken back in the books, {} in its final state", invoice,
                        pounds(returned_by[invoice]), text(row, "refunded"));
        continue;
      }
      const auto found = books_.find(invoice);
      const auto book = found == books_.end() ? Book{} : found->second;
      equation.expect(book.captured == pence(row, "captured") && book.sold == pence(row, "fulfilled") &&
                          book.refunded == pence(row, "refunded") + book.taken_back && book.captured - book.refunded == book.sold - book.taken_back,
                      "invoice {}: the books have captured {}, refunded {}, sold {}, taken back {}", invoice, pounds(book.captured), pounds(book.refunded),
                      pounds(book.sold), pounds(book.taken_back));
    }
    Check total(report_, "all captured - all refunded = all fulfilled = gateway = sales");
    total.expect(captured - refunded == fulfilled, "{} - {} is not {}", pounds(captured), pounds(refunded), pounds(fulfilled));
    total.expect(accounts["gateway"] == fulfilled, "the gateway holds {}, fulfilled is {}", pounds(accounts["gateway"]), pounds(fulfilled));
    total.expect(-accounts["sales"] == fulfilled, "the sales are {}, fulfilled is {}", pounds(-accounts["sales"]), pounds(fulfilled));
  }

  void check_payments() {
    std::map<std::string, const json*> results;
    Check one_result(report_, "every payment has one result, equal to its books");
    for (const auto& row : outputs_.payments) {
      one_result.expect(results.emplace(text(row, "payment"), &row).second, "payment {} has a second result", text(row, "payment"));
      const auto expected = text(row, "answer") == "captured" ? pence(row, "amount") : 0;
      const auto book = books_.find(text(row, "invoice"));
      const auto captured = book == books_.end() ? 0 : book->second.captured;
      one_result.expect(captured == expected, "payment {}: {} {}, the books have captured {}", text(row, "payment"), text(row, "answer"),
                        text(row, "amount"), pounds(captured));
      const auto found = invoices_.find(text(row, "invoice"));
      one_result.expect(found != invoices_.end() && pence(*found->second, "total") == pence(row, "amount"), "payment {} of {}: its invoice's total differs",
                        text(row, "payment"), text(row, "amount"));
    }
    for (const auto& [invoice, book] : books_)
      one_result.expect(results.contains("pay-" + invoice), "invoice {} has books and no payment", invoice);

    std::set<std::string> names;
    std::map<std::string, std::int64_t> refunded;
    Check refunds(report_, "every refund once, as booked, at most what was captured");
    for (const auto& row : outputs_.refunds) {
      refunds.expect(names.insert(text(row, "refund")).second, "\"{}\" twice", text(row, "refund"));
      refunded[text(row, "invoice")] += pence(row, "amount");
    }
    for (const auto& [invoice, book] : books_)
      refunds.expect(refunded[invoice] == book.refunded && book.refunded <= book.captured, "invoice {}: refunded {}, booked {}, captured {}", invoice,
                     pounds(refunded[invoice]), pounds(book.refunded), pounds(book.captured));
  }

  void check_notifications() {
    std::map<std::string, int> told;
    Check once(report_, "every final state is told to its customer once");
    for (const auto& row : outputs_.notifications) {
      ++told[text(row, "invoice")];
      const auto found = endings_.find(text(row, "invoice"));
      once.expect(found != endings_.end() && text(*found->second, "customer") == text(row, "customer"), "customer {} is told of invoice {}", text(row, "customer"),
                  text(row, "invoice"));
    }
    for (const auto& [invoice, row] : endings_) once.expect(told[invoice] == 1, "invoice {} is told {} times", invoice, told[invoice]);
    Check live(report_, "the audit found nothing while it ran");
    live.expect(outputs_.violations.empty(), "{}", outputs_.violations.empty() ? "" : outputs_.violations.front().dump());
  }

 private:
  // Stocked units of a product that an order asks for; none for cancellations and unknown invoices.
  [[nodiscard]] std::int64_t ordered(const std::string& invoice, const std::string& code) const {
    const auto found = invoices_.find(invoice);
    if (found == invoices_.end() || found->second->at("cancellation").get<bool>()) return 0;
    std::int64_t units = 0;
    for (const auto& line : found->second->at("lines"))
      if (text(line, "stock_code") == code) units += count(line, "quantity");
    return units;
  }
  [[nodiscard]] std::string ending(const std::string& invoice) const {
    const auto found = endings_.find(invoice);
    return found == endings_.end() ? "without end" : text(*found->second, "ending");
  }

  const Outputs& outputs_;
  const std::set<std::string>& unsettled_;
  Report& report_;
  std::map<std::string, const json*> invoices_, endings_;
  std::map<std::string, Book> books_;
};

Report check_rows(const Outputs& outputs, const std::optional<std::vector<ShopRow>>& input, const std::optional<Rows>& dead_letters,
                  const std::set<std::string>& unsettled_invoices) {
  Report report;
  OutputsCheck check(outputs, unsettled_invoices, report);
  if (input) check.check_rows_against_input(*input, dead_letters);
  check.check_endings();
  check.check_stock();
  check.check_books();
  check.check_payments();
  check.check_notifications();
  return report;
}

}  // namespace

std::optional<std::string> customer_in(const json& row, const std::map<std::string, std::string>& customer_of_invoice) {
  if (!row.is_object()) return std::nullopt;
  if (row.contains("customer")) return text(row, "customer");
  if (row.contains("customer_id")) return customer_of(row_from_json(row));
  for (const auto* field : {"invoice", "cancellation"})
    if (row.contains(field))
      if (const auto found = customer_of_invoice.find(text(row, field)); found != customer_of_invoice.end()) return found->second;
  return std::nullopt;
}

Outputs read_outputs(const std::filesystem::path& folder) {
  const auto read = [&](const char* name) { return mailroom::read_json_lines(folder / name); };
  return {read("invoices.jsonl"), read("outcomes.jsonl"), read("stock.jsonl"), read("payments.jsonl"), read("refunds.jsonl"), read("ledger.jsonl"),
          read("notifications.jsonl"), read("violations.jsonl")};
}

Report check_outputs(const Outputs& outputs, const std::optional<std::vector<ShopRow>>& input, const std::optional<Rows>& dead_letters,
                     const std::set<std::string>& unsettled) {
  if (unsettled.empty()) return check_rows(outputs, input, dead_letters, {});
  std::map<std::string, std::string> customer_of_invoice;
  if (input)
    for (const auto& row : *input) customer_of_invoice.emplace(row.invoice, customer_of(row));
  for (const auto& row : outputs.invoices) customer_of_invoice.emplace(text(row, "invoice"), text(row, "customer"));
  std::set<std::string> unsettled_invoices;
  for (const auto& [invoice, customer] : customer_of_invoice)
    if (unsettled.contains(customer)) unsettled_invoices.insert(invoice);

  const auto is_unsettled = [&](const json& row) { return unsettled.contains(customer_in(row, customer_of_invoice).value_or("")); };
  auto settled = outputs;
  for (auto* rows : {&settled.invoices, &settled.outcomes, &settled.payments, &settled.refunds, &settled.ledger, &settled.notifications, &settled.violations})
    std::erase_if(*rows, is_unsettled);
  auto settled_input = input;
  if (settled_input) std::erase_if(*settled_input, [&](const ShopRow& row) { return unsettled.contains(customer_of(row)); });
  auto settled_letters = dead_letters;
  if (settled_letters)
    std::erase_if(*settled_letters, [&](const json& letter) {
      const auto kind = letter.value("kind", std::string());
      return kind == "failed" || kind == "follows" || is_unsettled(letter.at("payload"));
    });
  return check_rows(settled, settled_input, settled_letters, unsettled_invoices);
}

}  // namespace orders_check
