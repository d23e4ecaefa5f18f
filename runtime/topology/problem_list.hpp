// Collects what is wrong in a topology file, each with its JSON pointer and line.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/topology/json_document.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::runtime {

class ProblemList {
 public:
  ProblemList(std::string file, const JsonDocument& document) : file_(std::move(file)), document_(document) {}

  void error(const std::string& pointer, std::string text) { add(Problem::Severity::error, pointer, std::move(text)); }
  void warning(const std::string& pointer, std::string text) {
    add(Problem::Severity::warning, pointer, std::move(text));
  }
  void note(const std::string& pointer, std::string text) { add(Problem::Severity::note, pointer, std::move(text)); }
  [[nodiscard]] bool has_errors() const {
    return std::any_of(list_.begin(), list_.end(),
                       [](const Problem& p) { return p.severity == Problem::Severity::error; });
  }
  [[nodiscard]] std::vector<Problem> take() {
    std::stable_sort(list_.begin(), list_.end(), [](const Problem& a, const Problem& b) { return a.line < b.line; });
    return std::move(list_);
  }

 private:
  void add(Problem::Severity severity, const std::string& pointer, std::string text) {
    list_.push_back({severity, file_, document_.line_of(pointer), pointer.empty() ? "/" : pointer, std::move(text)});
  }
  std::string file_;
  const JsonDocument& document_;
  std::vector<Problem> list_;
};

}  // namespace mailroom::runtime
