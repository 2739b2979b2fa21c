// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/accounts.hpp>

#include "test/support/host_pair.hpp"
#include "test/support/why.hpp"

namespace tickwire::test {

/// Few iterations, so that a test takes no time.
inline constexpr std::uint32_t kTestIterations = 3;

[[nodiscard]] inline std::shared_ptr<UserDatabase> few_users() {
  auto opened = UserDatabase::open(":memory:", {.weak_iterations_for_tests = kTestIterations});
  REQUIRE_MESSAGE(opened, test::why(opened));
  REQUIRE((*opened)->add("ann", "tulips"));
  REQUIRE((*opened)->add("bob", "daisies"));
  return *opened;
}

[[nodiscard]] inline AccountsOptions test_options(LoginOver over) {
  AccountsOptions options;
  options.login_over = over;
  options.min_iterations = 1;
  // A pair's clock runs on while another thread is slow.
  options.answer_timeout = std::chrono::hours(1);
  return options;
}

/// A server with users, and a client.
struct AccountsRig {
  explicit AccountsRig(const Scheme& scheme, LoginOver over = LoginOver::any_readable_by_others)
      : AccountsRig(scheme, test_options(over), test_options(over)) {}
  AccountsRig(const Scheme& scheme, AccountsOptions at_server, AccountsOptions at_client,
              PairOptions pair_options = {})
      : users(few_users()),
        here(with(users, std::move(at_server))),
        there(std::move(at_client)),
        pair(scheme, std::move(pair_options)) {
    pair.server->attach(here);
    pair.client->attach(there);
  }

  static AccountsOptions with(std::shared_ptr<UserDatabase> users, AccountsOptions options) {
    options.users = std::move(users);
    return options;
  }

  /// What the client's login comes to: `none` when it is in.
  ErrorCode log_in(std::string_view user, std::string_view password) {
    return log_in(pair.client, there, pair.caller, user, password);
  }
  ErrorCode log_in(LoggedHost& host, Accounts& accounts, Connection connection,
                   std::string_view user, std::string_view password) {
    const std::size_t before = verdicts(host, connection);
    const auto begun = accounts.login(connection, user, password);
    REQUIRE_MESSAGE(begun, test::why(begun));
    REQUIRE(pair.until([&] { return verdicts(host, connection) > before; },
                       std::chrono::microseconds(100)));
    for (auto told = host.log.all().rbegin(); told != host.log.all().rend(); ++told) {
      if (told->connection != connection) continue;
      if (told->type == EventType::logged_in) return ErrorCode::none;
      if (told->type == EventType::login_failed) return told->error.code;
    }
    return ErrorCode::unknown;
  }
  [[nodiscard]] static std::size_t verdicts(const LoggedHost& host, Connection connection) {
    return host.log.count(EventType::logged_in, connection) +
           host.log.count(EventType::login_failed, connection);
  }

  std::shared_ptr<UserDatabase> users;
  Accounts here;   ///< the server's
  Accounts there;  ///< the client's
  HostPair pair;
};

}  // namespace tickwire::test
