// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// Who is not let in, and how each end learns of it.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

/// Calls the server and returns the one error in which that ends; the server has seen nothing.
Error refused(HostPair& pair, test::LoggedHost& from, const ConnectOptions& options = {}) {
  const std::size_t server_saw = pair.server.log.all().size();
  const std::size_t errors = from.log.count(EventType::error);
  const auto dialled = from->connect(pair.address.to_string(), options);
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return from.log.count(EventType::error) > errors; }));
  pair.run(20ms);
  CHECK(from.log.count(EventType::error, *dialled) == 1);
  CHECK(from.log.count(EventType::connected, *dialled) == 0);
  CHECK(pair.server.log.all().size() == server_saw);
  CHECK_FALSE(dialled->is_open());
  return from.log.last(EventType::error).error;
}

}  // namespace

CONTRACT_CASE("another application is refused, and the dialling end is told both names") {
  PairOptions options;
  options.server.application = "arena/1";
  options.client.application = "arena/2";
  HostPair pair(scheme, std::move(options));
  const Error error = refused(pair, pair.client);
  CHECK(error.code == ErrorCode::application_mismatch);
  CHECK(error.message().find("'arena/1'") != std::string::npos);
  CHECK(error.message().find("'arena/2'") != std::string::npos);
  CHECK(pair.server->stats().handshakes_refused == 1);
  CHECK(pair.server->stats().accepted == 0);
  CHECK(pair.server->stats().open_connections == 0);
}

CONTRACT_CASE("another schema is refused where both ends have one") {
  PairOptions options;
  options.server.schema = "schema-a";
  options.client.schema = "schema-b";
  HostPair pair(scheme, std::move(options));
  const Error error = refused(pair, pair.client);
  CHECK(error.code == ErrorCode::schema_mismatch);
  CHECK(error.message().find("'schema-a'") != std::string::npos);
  CHECK(error.message().find("'schema-b'") != std::string::npos);
  pair.connect(pair.add());  // this one has no schema
}

CONTRACT_CASE("a program sees who asks to come in, and its own words turn him away") {
  std::vector<ConnectionRequest> asked;
  PairOptions options;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    asked.push_back(request);
    if (request.name == "ann") return {};
    return Error{ErrorCode::refused_by_application, 0, "only Ann may come in"};
  };
  HostPair pair(scheme, std::move(options));
  ConnectOptions as;
  as.name = "bob";
  const Error error = refused(pair, pair.client, as);
  CHECK(error.code == ErrorCode::refused_by_application);
  CHECK(error.message().find("only Ann may come in") != std::string::npos);
  as.name = "ann";
  pair.connect(as);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].name == "bob");
  CHECK(asked[1].name == "ann");
  CHECK(asked[1].address == pair.callee.address());
}

CONTRACT_CASE("a full server says so, and lets the next one in when somebody leaves") {
  PairOptions options;
  options.server.limits.max_connections = 2;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.connect();
  test::LoggedHost& late = pair.add();
  CHECK(refused(pair, late).code == ErrorCode::server_full);
  CHECK(refused(pair, late).code == ErrorCode::server_full);
  CHECK(pair.server->stats().refused_full == 2);
  CHECK(pair.server->connections().size() == 2);
  CHECK(pair.callee.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  pair.run(20ms);
  pair.connect(late);
  CHECK(pair.until([&] { return pair.server->connections().size() == 2; }));
}

CONTRACT_CASE("one listener may take fewer than the host") {
  HostPair pair(scheme);
  ListenOptions narrow;
  narrow.max_connections = 1;
  const auto door = pair.server->listen(scheme.listen_url(2), narrow);
  REQUIRE(door);
  const Address wide = pair.address;
  pair.address = *door;
  pair.connect();
  CHECK(refused(pair, pair.client).code == ErrorCode::server_full);
  CHECK(pair.server->stats().refused_full == 1);
  pair.address = wide;
  pair.connect();
  CHECK(pair.server->connections().size() == 2);
}

CONTRACT_CASE("one address may have fewer connections than the host") {
  PairOptions options;
  options.server.limits.max_connections_per_address = 2;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.connect();
  const Error error = refused(pair, pair.client);
  CHECK(error.code == ErrorCode::connection_refused);
  CHECK(error.message().find("too many connections of this address") != std::string::npos);
  CHECK(pair.server->stats().refused_address == 1);
  CHECK(pair.server->stats().refused_full == 0);
  CHECK(pair.server->connections().size() == 2);
}

CONTRACT_CASE("a client of fewer channels uses those that both ends have") {
  PairOptions options;
  options.server.channels.resize(2);
  HostPair pair(scheme, std::move(options));
  pair.connect();
  CHECK(test::send_text(pair.caller, "x", test::on_channel(1)));
  const auto sent = test::send_text(pair.caller, "x", test::on_channel(2));
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::no_such_channel);
  CHECK(test::send_text(pair.callee, "y", test::on_channel(1)));
  CHECK(pair.until([&] { return pair.server.log.messages() + pair.client.log.messages() == 2; }));
}

CONTRACT_CASE("who is turned away is told so by a host that connections may come back to, too") {
  PairOptions options;
  options.server.timeouts.resume_window = options.client.timeouts.resume_window = 5s;
  options.server.resume_over = options.client.resume_over = ResumeOver::any;
  options.server.authenticate = [](const ConnectionRequest&) -> Result<void> {
    return Error{ErrorCode::refused_by_application, 0x1007, "sch\xc3\xb6n, aber nein"};
  };
  HostPair pair(scheme, std::move(options));
  const Error error = refused(pair, pair.client);
  CHECK(error.code == ErrorCode::refused_by_application);
  CHECK(error.system_code == 0x1007);
  CHECK(error.message().find("sch\xc3\xb6n, aber nein") != std::string::npos);
  CHECK(pair.server->stats().handshakes_refused == 1);
}
