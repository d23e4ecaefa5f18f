// The source behind "csv", "jsonl", "stdin" and "tail": any input read in any format.
#pragma once

#include <memory>

#include <mailroom/source.hpp>
#include <mailroom/sources/input.hpp>
#include <mailroom/sources/line_reader.hpp>
#include <mailroom/sources/record_format.hpp>

namespace mailroom {

class RecordSource final : public Source {
 public:
  RecordSource(std::unique_ptr<Input> input, std::unique_ptr<RecordFormat> format, std::size_t max_line);

  ReadStatus read(SourceBatch& batch, std::size_t max_events) override;
  [[nodiscard]] nlohmann::json position() const override;
  void seek(const nlohmann::json& position) override;
  [[nodiscard]] SourceProgress progress() const override;

 private:
  void report(SourceBatch& batch, std::string_view reason);

  std::unique_ptr<Input> input_;
  std::unique_ptr<RecordFormat> format_;
  std::size_t max_line_;
  LineReader lines_;
  bool open_ = false;
  bool begun_ = false;  // the open file's header has been read
  std::uint64_t records_ = 0;
  std::string reason_;
};

}  // namespace mailroom
