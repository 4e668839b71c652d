#include <gtest/gtest.h>
#include <stdexcept>

TEST(Rooms, Opens) { EXPECT_EQ(1, 1); }
TEST(Rooms, Fails) {
  EXPECT_EQ(1, 2) << "<&> in a message";
  EXPECT_EQ(3, 4);
}
TEST(Rooms, Errs) { throw std::runtime_error("no database"); }
TEST(Rooms, Skips) { GTEST_SKIP() << "only on Mars"; }
TEST(Rooms, DISABLED_IsDisabled) { FAIL(); }

class Broken : public testing::Test {
 protected:
  static void SetUpTestSuite() { FAIL() << "no database"; }
};
TEST_F(Broken, RunsAllTheSame) {}

class LeftOver : public testing::Test {
 protected:
  void TearDown() override { FAIL() << "rows were left"; }
};
TEST_F(LeftOver, HasABadTearDown) {}

class Colours : public testing::TestWithParam<const char*> {};
TEST_P(Colours, IsShort) { EXPECT_EQ(std::string(GetParam()).length(), 3u); }
INSTANTIATE_TEST_SUITE_P(All, Colours, testing::Values("red", "blue"));
