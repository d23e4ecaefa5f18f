#include <gtest/gtest.h>

#include <mailroom/nearest_name.hpp>

namespace {

using mailroom::nearest_name;

TEST(NearestName, SuggestsWhatWasMeant) {
  EXPECT_EQ(nearest_name("wiat", {"most", "wait"}), "wait");
  EXPECT_EQ(nearest_name("WAIT", {"most", "wait"}), "wait");
  EXPECT_EQ(nearest_name("retrys", {"retries", "backoff"}), "retries");
  EXPECT_EQ(nearest_name("backof", {"retries", "backoff"}), "backoff");
  EXPECT_EQ(nearest_name("ordering", {"order", "orders"}), "");
  EXPECT_EQ(nearest_name("colour", {"most", "wait"}), "");
  EXPECT_EQ(nearest_name("wait", {}), "");
  EXPECT_EQ(nearest_name(std::string(10'000, 'x'), {"most"}), "");
}

}  // namespace
