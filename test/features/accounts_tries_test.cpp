// SPDX-License-Identifier: MIT
#include "lib/features/accounts/tries.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// Who has failed to log in, and who is about to try.
using namespace tickwire;
using namespace std::chrono_literals;

TEST_CASE("who stands behind an address") {
  const auto of = [](const std::string& host) {
    return detail::subscriber_text(*Address::parse(
        host.find(':') == std::string::npos ? "tcp://" + host + ":1" : "tcp://[" + host + "]:1"));
  };
  CHECK(of("192.0.2.1") != of("192.0.2.2"));
  CHECK(of("2001:db8:0:1::1") == of("2001:db8:0:1:2:3:4:5"));
  CHECK(of("2001:db8:0:1::1") != of("2001:db8:0:2::1"));
  CHECK(of("2001:db8::1") == of("2001:db8:0:0:9::"));
  CHECK(of("::1") == of("::2"));
  CHECK(of("64:ff9b::192.0.2.1") == of("64:ff9b::1"));
}

TEST_CASE("failures are remembered for so many, and the longest ago give way") {
  AccountsOptions options;
  options.max_remembered = 10;
  options.max_tries_per_address = 2;
  detail::Tries tries(options);
  const TimePoint start{1h};
  const auto from = [](int i) {
    return *Address::parse("tcp://192.0.2." + std::to_string(i) + ":1");
  };
  const auto fail = [&](int address, const std::string& user, TimePoint when) {
    const auto attempt = tries.begin(from(address), user, when);
    REQUIRE(attempt);
    attempt->fail(when);
  };
  fail(1, "ann", start);
  fail(1, "bob", start + 1s);
  CHECK_FALSE(tries.begin(from(1), "cem", start + 2s));
  for (int i = 2; i < 200; ++i)
    fail(i, "user" + std::to_string(i), start + std::chrono::seconds(i + 1));
  CHECK(tries.begin(from(1), "cem", start + 300s));  // forgotten for the crowd
}

TEST_CASE("tries under way make others wait as failures do, and leave nothing behind") {
  AccountsOptions options;
  options.tries_without_delay = 2;
  options.first_delay = 1s;
  options.max_delay = 5s;
  options.max_tries_per_address = 4;
  detail::Tries tries(options);
  const TimePoint now{1h};
  const auto from = *Address::parse("tcp://192.0.2.1:1");
  const auto elsewhere = *Address::parse("tcp://192.0.2.2:1");
  std::vector<std::unique_ptr<detail::Tries::Attempt>> all;
  for (const Duration wait : {0s, 0s, 1s, 2s, 5s, 5s, 5s}) {
    all.push_back(tries.begin(from, "user" + std::to_string(all.size()), now));
    REQUIRE(all.back());
    CHECK(all.back()->delay() == wait);
    CHECK_FALSE(all.back()->is_too_late(now));
  }
  // By the user, too.
  const auto one = tries.begin(elsewhere, "ann", now), two = tries.begin(elsewhere, "ann", now);
  CHECK(tries.begin(*Address::parse("tcp://192.0.2.3:1"), "ann", now)->delay() == 1s);
  for (std::size_t i = 0; i < 4; ++i)
    all[i]->fail(now);
  CHECK(all[4]->is_too_late(now));
  CHECK_FALSE(one->is_too_late(now));
  CHECK_FALSE(tries.begin(from, "eve", now));
  all.clear();
  CHECK_FALSE(tries.begin(from, "eve", now));
  const auto later = tries.begin(from, "eve", now + options.forget_failures_after);
  REQUIRE(later);
  CHECK(later->delay() == 0s);
}
