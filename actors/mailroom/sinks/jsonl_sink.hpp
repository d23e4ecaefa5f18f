// The sink "jsonl": a file with one JSON object a line.
#pragma once

#include <mailroom/sink.hpp>
#include <mailroom/sinks/file_writer.hpp>
#include <mailroom/sinks/json_lines.hpp>

namespace mailroom {

class JsonlSink final : public Sink {
 public:
  JsonlSink(std::string path, JsonLines lines) : file_(std::move(path)), lines_(lines) {}

  void write(const SinkEvent& event) override {
    lines_.append(event, file_.buffer());
    file_.written();
  }
  nlohmann::json flush() override { return file_.flush(); }
  void sync() override { file_.sync(); }
  void recover(const nlohmann::json& position) override { file_.recover(position); }

 private:
  FileWriter file_;
  JsonLines lines_;
};

}  // namespace mailroom
