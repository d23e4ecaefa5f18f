// What the tests of sources and sinks share: an event, a folder of their own, and reading to the end.
#pragma once

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace mailroom::test_files {

struct FileRow {
  std::string name;
  std::int64_t quantity = 0;
  std::optional<std::string> note;
  std::optional<double> weight;

  bool operator==(const FileRow&) const = default;
};
MAILROOM_EVENT(FileRow, name, quantity, note, weight)

struct NestedRow {
  std::string name;
  std::vector<std::int64_t> numbers;
};
MAILROOM_EVENT(NestedRow, name, numbers)

class Folder {
 public:
  Folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "mailroom-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path(const std::string& name = {}) const { return name.empty() ? path_.string() : (path_ / name).string(); }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  void append(const std::string& name, std::string_view bytes) const { std::ofstream(path(name), std::ios::binary | std::ios::app) << bytes; }

 private:
  std::filesystem::path path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::unique_ptr<Source> make_source(const std::string& type, const std::string& path, nlohmann::json options = nlohmann::json::object(),
                                           const EventType& event = event_type_of<FileRow>()) {
  SourceSettings settings;
  settings.event = &event;
  settings.path = path;
  settings.options = std::move(options);
  SourceTypes::find(type)->check_options(settings.options);
  return SourceTypes::find(type)->make(settings);
}

struct Read {
  std::vector<std::string> events;  // as JSON
  std::vector<DirtyInput> dirty;
  ReadStatus status = ReadStatus::more;
};

// Until the source has nothing more at the moment.
inline Read read_all(Source& source, std::size_t at_once = 100) {
  Read all;
  SourceBatch batch;
  while (all.status == ReadStatus::more) {
    batch.clear();
    all.status = source.read(batch, at_once);
    EXPECT_LE(batch.events.size(), at_once);
    for (std::size_t i = 0; i < batch.events.size(); ++i) all.events.push_back(batch.events.type(i).to_json(batch.events.event(i)).dump());
    for (auto& dirty : batch.dirty) all.dirty.push_back(std::move(dirty));
  }
  return all;
}

inline std::string row(const FileRow& event) { return event_type_of<FileRow>().to_json(&event).dump(); }

// What a call throws, as "Type: text"; empty if nothing.
template <class Call>
std::string thrown(Call&& call) {
  try {
    call();
  } catch (const BadValue& error) {
    return std::string("BadValue: ") + error.what();
  } catch (const StorageError& error) {
    return std::string("StorageError: ") + error.what();
  } catch (const CorruptData& error) {
    return std::string("CorruptData: ") + error.what();
  }
  return {};
}

}  // namespace mailroom::test_files
