#include "runtime/topology/json_document.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <vector>

namespace mailroom::runtime {
namespace {

constexpr std::size_t max_depth = 200;
constexpr std::size_t max_bytes = 16u << 20;

// Reads the text and keeps count, so that a SAX event knows how far the parser has come.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    if (count_ != nullptr) ++*count_;
    return *this;
  }
  CountingIterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* count_;
};

// nlohmann's texts read "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while
// parsing value - unexpected end of input; expected ..."; a person needs what comes after the position.
std::string in_words(std::string text) {
  if (const auto at = text.find(": "); at != std::string::npos && text.starts_with('[')) text = text.substr(at + 2);
  if (const auto at = text.find("syntax error while parsing "); at != std::string::npos) text = text.substr(at + 27);
  if (const auto dash = text.find(" - "); dash != std::string::npos)
    text = "in " + text.substr(0, dash) + ": " + text.substr(dash + 3);
  for (const auto& [from, to] : {std::pair{"invalid literal; last read: ", "no JSON value begins like this: "},
                                 std::pair{"unexpected end of input", "the file ends too early"}})
    if (const auto at = text.find(from); at != std::string::npos) text.replace(at, std::string(from).size(), to);
  std::string printable;
  for (const char c : text)
    printable += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
  return printable;
}

class Handler {
 public:
  Handler(const std::string& text, const std::size_t& count, JsonDocument& document)
      : text_(text), count_(count), document_(document) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') newlines_.push_back(i);
  }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(nlohmann::json::number_integer_t value) { return add(value); }
  bool number_unsigned(nlohmann::json::number_unsigned_t value) { return add(value); }
  bool number_float(nlohmann::json::number_float_t value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(nlohmann::json::object()); }
  bool start_array(std::size_t) { return open(nlohmann::json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    key_ = name;
    const auto pointer = path_.back() + "/" + pointer_part(name);
    if (stack_.back()->contains(name))
      return refuse(
          fmt::format("\"{}\" is here a second time; the first is in line {}", name, document_.line_of(pointer)));
    document_.lines[pointer] = line();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    set_error(position > 0 ? position - 1 : 0, in_words(error.what()));
    return false;
  }
  [[nodiscard]] std::optional<JsonSyntaxError> take_error() { return std::move(error_); }

 private:
  // The parser may have read one character beyond a number, so the last one does not count.
  [[nodiscard]] int line() const { return line_at(count_ > 0 ? count_ - 1 : 0); }
  [[nodiscard]] int line_at(std::size_t offset) const {
    return 1 + static_cast<int>(std::lower_bound(newlines_.begin(), newlines_.end(), offset) - newlines_.begin());
  }
  void set_error(std::size_t offset, std::string text) {
    const auto before = std::lower_bound(newlines_.begin(), newlines_.end(), offset);
    const auto line_begin = before == newlines_.begin() ? 0 : *std::prev(before) + 1;
    error_ = JsonSyntaxError{line_at(offset), static_cast<int>(std::min(offset, text_.size()) - line_begin) + 1,
                             std::move(text)};
  }
  bool refuse(std::string text) {
    set_error(count_ > 0 ? count_ - 1 : 0, std::move(text));
    return false;
  }
  // Puts the value where it belongs and returns its place and pointer.
  std::pair<nlohmann::json*, std::string> place(nlohmann::json value) {
    if (stack_.empty()) {
      document_.value = std::move(value);
      document_.lines[""] = line();
      return {&document_.value, ""};
    }
    auto& parent = *stack_.back();
    if (parent.is_object()) {
      auto& slot = parent[key_];
      slot = std::move(value);
      return {&slot, path_.back() + "/" + pointer_part(key_)};
    }
    parent.push_back(std::move(value));
    auto pointer = path_.back() + "/" + std::to_string(parent.size() - 1);
    document_.lines[pointer] = line();
    return {&parent.back(), std::move(pointer)};
  }
  bool add(nlohmann::json value) {
    place(std::move(value));
    return true;
  }
  bool open(nlohmann::json value) {
    if (stack_.size() >= max_depth) return refuse(fmt::format("more than {} levels inside each other", max_depth));
    auto [slot, pointer] = place(std::move(value));
    stack_.push_back(slot);
    path_.push_back(std::move(pointer));
    return true;
  }
  bool close() {
    stack_.pop_back();
    path_.pop_back();
    return true;
  }

  const std::string& text_;
  const std::size_t& count_;
  JsonDocument& document_;
  std::vector<std::size_t> newlines_;
  std::vector<nlohmann::json*> stack_;
  std::vector<std::string> path_;
  std::string key_;
  std::optional<JsonSyntaxError> error_;
};

}  // namespace

std::string pointer_part(const std::string& name) {
  std::string part;
  for (const char c : name) {
    if (c == '~')
      part += "~0";
    else if (c == '/')
      part += "~1";
    else
      part += c;
  }
  return part;
}

int JsonDocument::line_of(std::string pointer) const {
  while (true) {
    if (const auto found = lines.find(pointer); found != lines.end()) return found->second;
    const auto slash = pointer.rfind('/');
    if (slash == std::string::npos) return 1;
    pointer.resize(slash);
  }
}

JsonDocument parse_json_document(const std::string& text, std::optional<JsonSyntaxError>& error) {
  JsonDocument document;
  if (text.size() > max_bytes) {
    error =
        JsonSyntaxError{1, 1, fmt::format("the file has {} bytes; a topology has at most {}", text.size(), max_bytes)};
    return document;
  }
  std::size_t count = 0;
  Handler handler(text, count, document);
  const auto* begin = text.data();
  if (!nlohmann::json::sax_parse(CountingIterator(begin, &count), CountingIterator(begin + text.size(), nullptr),
                                 &handler)) {
    error = handler.take_error().value_or(JsonSyntaxError{1, 1, "not JSON"});
    return {};
  }
  return document;
}

}  // namespace mailroom::runtime
