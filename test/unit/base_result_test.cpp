// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <tickwire/error.hpp>
#include <utility>

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;
using tickwire::to_string;

TEST_CASE("result: holds a value or an error") {
  Result<std::string> good(std::string("value"));
  CHECK(good);
  CHECK(good.has_value());
  CHECK(*good == "value");
  CHECK(good->size() == 5);
  good->append("!");
  CHECK(std::as_const(good)->size() == 6);
  CHECK(*std::as_const(good) == "value!");

  const Result<std::string> bad(Error{ErrorCode::timed_out, 110, "It took too long."});
  CHECK_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::timed_out);
  CHECK(bad.error().system_code == 110);
  CHECK(bad.error().message() == "It took too long.");
}

TEST_CASE("result: falls back where there is no value") {
  CHECK(Result<int>(3).value_or(7) == 3);
  CHECK(Result<int>(Error{ErrorCode::unknown, 0, ""}).value_or(7) == 7);
  const Result<std::string> bad(Error{ErrorCode::unknown, 0, ""});
  CHECK(bad.value_or("fallback") == "fallback");
}

TEST_CASE("result: carries what can only be moved") {
  Result<std::unique_ptr<int>> good(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = *std::move(good);
  REQUIRE(taken);
  CHECK(*taken == 5);
  Result<std::unique_ptr<int>> bad(Error{ErrorCode::socket_failed, 0, "Gone."});
  const Error error = std::move(bad).error();
  CHECK(error.detail == "Gone.");
  CHECK(*Result<std::unique_ptr<int>>(Error{}).value_or(std::make_unique<int>(6)) == 6);
}

TEST_CASE("result: of nothing is success or an error") {
  const Result<void> good;
  CHECK(good);
  CHECK(good.has_value());
  const Result<void> bad(Error{ErrorCode::not_connected, 0, ""});
  CHECK_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::not_connected);
}

TEST_CASE("error: without a detail its message is the code's own words") {
  CHECK(Error{ErrorCode::address_in_use, 98, ""}.message() == "address in use");
  CHECK(Error{}.message() == "no error");
}

TEST_CASE("error: every code has words of its own") {
  std::set<std::string_view> words;
  int known = 0;
  for (int number = 0; number <= 0xffff; ++number) {
    const auto word = to_string(static_cast<ErrorCode>(number));
    REQUIRE_FALSE(word.empty());
    if (word == "unknown error") continue;
    ++known;
    CHECK(words.insert(word).second);
    const int range = number / 1000;
    CHECK((number == 0 || (range >= 1 && range <= 4)));
  }
  CHECK(known >= 36);
  CHECK(to_string(ErrorCode::unknown) == "unknown error");
}
