// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/filter.hpp>

#include "test/support/host_pair.hpp"

/// What a dialler shows at the door, and what is made of it there.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

ConnectOptions with_ticket(std::size_t bytes, std::byte filling = std::byte{7}) {
  ConnectOptions options;
  options.ticket.assign(bytes, filling);
  return options;
}

/// As a program would: who he is comes from the ticket, and is with his connection from then on.
struct Player {
  std::size_t ticket_bytes = 0;
};

/// Has a name, and leaves messages alone.
class LongName final : public Filter {
 public:
  explicit LongName(char letter) : name_(32, letter) {}
  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::size_t room_bytes(std::size_t) const noexcept override { return 0; }
  [[nodiscard]] std::optional<std::size_t> apply(std::span<const std::byte>,
                                                 std::span<std::byte>) override {
    return std::nullopt;
  }
  [[nodiscard]] bool undo(std::span<const std::byte>, std::span<std::byte>) override {
    return false;
  }

 private:
  std::string name_;
};

}  // namespace

CONTRACT_CASE("a ticket is seen at the door, and what it says can come in with the connection") {
  std::vector<ConnectionRequest> asked;
  PairOptions options;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    asked.push_back(request);
    CHECK_FALSE(request.connection.is_open());
    CHECK(request.connection.address() == request.address);
    CHECK(request.connection.set_user_data(Player{request.ticket.size()}) == ErrorCode::none);
    if (request.ticket.empty()) {
      return Error{ErrorCode::refused_by_application, 0, "no ticket"};
    }
    return {};
  };
  HostPair pair(scheme, std::move(options));
  REQUIRE(pair.client->connect(pair.address.to_string()));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  CHECK(pair.client.log.last(EventType::error).error.message().find("no ticket") !=
        std::string::npos);

  const ConnectOptions shown = with_ticket(300);
  pair.connect(shown);
  REQUIRE(asked.size() == 2);
  CHECK(asked[1].ticket == shown.ticket);
  CHECK(asked[1].connection == pair.callee);
  REQUIRE(pair.callee.user_data<Player>() != nullptr);
  CHECK(pair.callee.user_data<Player>()->ticket_bytes == 300);
  CHECK(asked[0].connection.user_data<Player>() == nullptr);
}

CONTRACT_CASE("the largest ticket travels with all else that a greeting may say") {
  std::vector<std::byte> seen;
  PairOptions options;
  options.server.application = options.client.application = std::string(64, 'a');
  options.server.schema = options.client.schema = std::string(64, 's');
  options.server.timeouts.resume_window = options.client.timeouts.resume_window = 5s;
  options.server.resume_over = options.client.resume_over = ResumeOver::any;
  for (const char letter : {'1', '2', '3', '4'}) {
    const auto filter = std::make_shared<LongName>(letter);
    options.server.filters.push_back(filter);
    options.client.filters.push_back(filter);
  }
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    seen = request.ticket;
    return {};
  };
  HostPair pair(scheme, std::move(options));
  ConnectOptions shown = with_ticket(768, std::byte{0xff});
  shown.name = std::string(64, 'n');
  pair.connect(shown);
  CHECK(seen == shown.ticket);
  CHECK(pair.callee.name() == shown.name);
}

CONTRACT_CASE("a ticket that is too long is refused at once") {
  HostPair pair(scheme);
  const auto dialled = pair.client->connect(pair.address.to_string(), with_ticket(769));
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().code == ErrorCode::invalid_argument);
  CHECK(dialled.error().message().find("ticket") != std::string::npos);
}

CONTRACT_CASE("who is closed while he is asked about does not come up") {
  PairOptions options;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    CHECK(request.connection.close({0x1001, "banned"}) == ErrorCode::none);
    return {};
  };
  HostPair pair(scheme, std::move(options));
  REQUIRE(pair.client->connect(pair.address.to_string()));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  const Error error = pair.client.log.last(EventType::error).error;
  CHECK(error.code == ErrorCode::refused_by_application);
  CHECK(error.system_code == 0x1001);
  CHECK(error.message().find("'banned'") != std::string::npos);
  CHECK(pair.client.log.count(EventType::connected) == 0);
  CHECK(pair.server->stats().handshakes_refused == 1);
  CHECK(pair.server.log.count(EventType::connected) == 0);
  CHECK(pair.server->connections().empty());
}

CONTRACT_CASE("who is closed on his way in is told why, and does not call again") {
  Connection asked;
  PairOptions options;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    asked = request.connection;
    return {};
  };
  HostPair pair(scheme, std::move(options));
  ConnectOptions persistent;
  persistent.reconnect = ReconnectPolicy{.max_attempts = 10, .first_delay = 1ms};
  REQUIRE(pair.client->connect(pair.address.to_string(), persistent));
  REQUIRE(pair.until([&] { return asked != Connection(); }));
  REQUIRE_FALSE(asked.is_open());
  CHECK(asked.close({0x1001, "the match is full"}) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.run(50ms);
  const Error error = pair.client.log.last(EventType::disconnected).error;
  CHECK(error.code == ErrorCode::closed_by_peer);
  CHECK(error.system_code == 0x1001);
  CHECK(error.message().find("the match is full") != std::string::npos);
  CHECK(pair.client.log.count(EventType::connected) == 1);
  CHECK(pair.server.log.all().empty());
  CHECK(pair.server->connections().empty());
}
