#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

TEST_CASE("has good sections") {
  SECTION("one") { REQUIRE(1 == 1); }
  SECTION("two") { REQUIRE(1 == 1); }
}
TEST_CASE("has one bad section") {
  SECTION("good") { REQUIRE(1 == 1); }
  SECTION("bad") { REQUIRE(1 == 2); }
}
