// Every target does what it must with all of its corpus: what was found once is not found again.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "tests/fuzz/targets.hpp"

namespace mailroom::fuzz {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view);
};

class FuzzCorpus : public ::testing::TestWithParam<Target> {};
TEST_P(FuzzCorpus, HoldsWithEachFile) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(MAILROOM_SOURCE_DIR "/tests/fuzz/corpus") / GetParam().name)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    SCOPED_TRACE(entry.path().string());
    std::fprintf(stderr, "  %s\n", entry.path().filename().c_str());  // a target that ends the process has said with what
    GetParam().run(bytes);
    for (const auto size : {bytes.size() / 2, bytes.size() - std::min<std::size_t>(bytes.size(), 1)}) GetParam().run(std::string_view(bytes).substr(0, size));
    ++files;
  }
  GetParam().run({});
  EXPECT_GE(files, 5u) << "the corpus is gone";
}
INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus,
                         ::testing::Values(Target{"topology", topology}, Target{"csv", csv}, Target{"jsonl", jsonl}, Target{"batch", batch},
                                           Target{"journal", journal}),
                         [](const auto& target) { return target.param.name; });

}  // namespace
}  // namespace mailroom::fuzz
