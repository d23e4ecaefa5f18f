// The sink "csv": a file with one event a record, as RFC 4180 has it, with \n for line ends.
#pragma once

#include <mailroom/sink.hpp>
#include <mailroom/sinks/file_writer.hpp>

namespace mailroom {

// Absent fields are written as empty ones.
class CsvSink final : public Sink {
 public:
  // Throws BadValue unless one event type may arrive and all its fields can be written as one text.
  CsvSink(std::string path, const std::vector<const EventType*>& events, char separator, bool header);

  void write(const SinkEvent& event) override;
  nlohmann::json flush() override { return file_.flush(); }
  void sync() override { file_.sync(); }
  void recover(const nlohmann::json& position) override;

 private:
  void append_record(const std::vector<std::string>& texts);

  FileWriter file_;
  const EventType* event_;
  char separator_;
  bool header_;
  std::vector<std::string> texts_;
};

}  // namespace mailroom
