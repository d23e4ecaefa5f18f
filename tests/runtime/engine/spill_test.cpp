// The spill file on a real disk: what it keeps, what it gives back to the disk, and what it says when that is full.
#include "runtime/engine/spill.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>
#include <mailroom/event_batch.hpp>
#include <mailroom/mailroom.hpp>

namespace mailroom::runtime {
namespace spill_test {
struct Letter {
  std::string key;
  std::string text;
};
MAILROOM_EVENT(Letter, key, text)
}  // namespace spill_test

namespace {

using spill_test::Letter;
using ::testing::HasSubstr;

Parcel parcel(std::uint64_t first, std::size_t events, std::size_t text_bytes) {
  Parcel made;
  made.channel = 0xFFFF'FFFE;
  made.first_sequence = first;
  made.skipped = 0xFFFF'FFFF'FFFD;
  made.watermark = Timestamp::min();
  auto batch = std::make_shared<EventBatch>();
  for (std::size_t i = 0; i < events; ++i) {
    Letter letter{"k" + std::to_string(i), std::string(text_bytes, static_cast<char>('a' + (first + i) % 26))};
    EventMeta meta;
    meta.trace = make_trace(3, first + i);
    meta.key_hash = first * 31 + i;
    batch->append_move(event_type_of<Letter>(), &letter, meta);
  }
  made.batch = std::move(batch);
  return made;
}

// A folder of its own; the file in it has no name, so its size is found through the descriptors of this process.
class SpillFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (std::filesystem::temp_directory_path() / "mailroom-spill-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] struct stat spilled() const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry.path(), gone);
      struct stat found {};
      if (!gone && target.string().starts_with(folder_.string() + "/mailroom-spill-") &&
          ::stat(entry.path().c_str(), &found) == 0)
        return found;
    }
    ADD_FAILURE() << "no spill file is open in " << folder_;
    return {};
  }
  std::filesystem::path folder_;
};

TEST_F(SpillFolder, TheEnvelopeAndTheEventsComeBackWhole) {
  SpillFile spill(folder_);
  const auto before = parcel((1ull << 48) - 5, 3, 100);
  spill.append(before);
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "the file must go with the process, however that ends";
  const auto after = spill.read();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->channel, before.channel);
  EXPECT_EQ(after->first_sequence, before.first_sequence);
  EXPECT_EQ(after->skipped, before.skipped);
  EXPECT_EQ(after->watermark, before.watermark);
  ASSERT_EQ(after->batch->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(static_cast<const Letter*>(after->batch->event(i))->text,
              static_cast<const Letter*>(before.batch->event(i))->text);
    EXPECT_EQ(after->batch->meta(i).trace, before.batch->meta(i).trace);
    EXPECT_EQ(after->batch->meta(i).key_hash, before.batch->meta(i).key_hash);
  }
  EXPECT_FALSE(spill.read());
}

TEST_F(SpillFolder, TheFileIsEmptyOnceAllIsRead) {
  SpillFile spill(folder_);
  for (int i = 0; i < 20; ++i) spill.append(parcel(1, 10, 1'000));
  EXPECT_GT(spilled().st_size, 200'000);
  while (spill.read()) continue;
  EXPECT_EQ(spilled().st_size, 0);
}

// A mailbox that always has a little in it never empties; what has been read must go back to the disk all the same.
TEST_F(SpillFolder, ALastingBacklogTakesDiskForWhatWaitsAndNotForWhatWasRead) {
  SpillFile spill(folder_);
  constexpr std::size_t bytes = 256 * 1024, backlog = 4, total = 200;  // 50 MB through, 1 MB waiting
  std::uint64_t written = 0, read = 0;
  while (written < backlog) spill.append(parcel(written++, 1, bytes));
  for (; written < total; ++read) {
    spill.append(parcel(written++, 1, bytes));
    const auto back = spill.read();
    ASSERT_TRUE(back);
    ASSERT_EQ(back->first_sequence, read);
    ASSERT_EQ(static_cast<const Letter*>(back->batch->event(0))->text[0], static_cast<char>('a' + read % 26));
  }
  EXPECT_LT(spilled().st_blocks * 512, 8 << 20);
  for (; read < total; ++read) ASSERT_EQ(spill.read()->first_sequence, read);
  EXPECT_FALSE(spill.read());
}

// A file size limit of this process stands in for a full disk: write() fails part of the way, as it does there.
TEST_F(SpillFolder, ADiskThatIsFullIsSaidAndWhatWasSpilledBeforeIsStillThere) {
  SpillFile spill(folder_);
  spill.append(parcel(1, 1, 1'000));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto limited = before;
  limited.rlim_cur = 64 * 1024;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  std::string said;
  try {
    spill.append(parcel(2, 1, 200'000));
  } catch (const StorageError& error) {
    said = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(said, HasSubstr(folder_.string()));
  EXPECT_THAT(said, HasSubstr("File too large"));

  spill.append(parcel(3, 1, 1'000));
  EXPECT_EQ(spill.read()->first_sequence, 1u);
  EXPECT_EQ(spill.read()->first_sequence, 3u) << "the parcel that did not fit left nothing behind";
  EXPECT_FALSE(spill.read());
}

}  // namespace
}  // namespace mailroom::runtime
