// The sink "console": one JSON object a line on standard output.
#pragma once

#include <mailroom/sink.hpp>
#include <mailroom/sinks/json_lines.hpp>

namespace mailroom {

// For people and pipes. What was printed can't be taken back: after a crash, events since the last commit come again.
class ConsoleSink final : public Sink {
 public:
  explicit ConsoleSink(JsonLines lines) : lines_(lines) {}

  void write(const SinkEvent& event) override;
  nlohmann::json flush() override;
  void sync() override {}
  void recover(const nlohmann::json&) override {}

 private:
  void print();

  JsonLines lines_;
  std::string buffer_;
};

}  // namespace mailroom
