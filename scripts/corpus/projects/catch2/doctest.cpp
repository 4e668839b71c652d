#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <stdexcept>

TEST_CASE("opens") { REQUIRE(1 + 1 == 2); }
TEST_CASE("fails <&>") { CHECK(1 == 2); }
TEST_CASE("fails twice") {
  CHECK(1 == 2);
  CHECK(3 == 4);
}
TEST_CASE("errs") { throw std::runtime_error("no database"); }
TEST_CASE("is skipped" * doctest::skip()) { CHECK(1 == 2); }
TEST_CASE("may fail" * doctest::may_fail()) { CHECK(1 == 2); }
