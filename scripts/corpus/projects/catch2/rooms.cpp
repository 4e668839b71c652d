#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#include <stdexcept>

TEST_CASE("opens") { REQUIRE(1 + 1 == 2); }
TEST_CASE("opens twice") {
  REQUIRE(1 == 1);
  REQUIRE(2 == 2);
}
TEST_CASE("fails <&>", "[bad]") { CHECK(std::string("a & <b>") == "b"); }
TEST_CASE("fails twice") {
  CHECK(1 == 2);
  CHECK(3 == 4);
}
TEST_CASE("errs") { throw std::runtime_error("no database"); }
TEST_CASE("may fail", "[!mayfail]") { CHECK(1 == 2); }
TEST_CASE("should fail", "[!shouldfail]") { CHECK(1 == 2); }
TEST_CASE("is hidden", "[.]") { CHECK(1 == 2); }
