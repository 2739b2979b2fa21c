// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/crypto/hmac.hpp"
#include "lib/features/accounts/login_words.hpp"
#include "lib/features/accounts/scram.hpp"
#include "test/features/accounts_rig.hpp"
#include "test/support/tcp_proxy.hpp"
#include "test/support/why.hpp"

/// Logins whose connection is interrupted under way, and resumed.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::LoginStep;
using detail::LoginWords;
using test::AccountsRig;
using test::TcpProxy;

namespace {

constexpr auto kAny = LoginOver::any_readable_by_others;

const test::Scheme* tls() {
  const auto all = test::schemes();
  const auto found =
      std::find_if(all.begin(), all.end(), [](const auto& each) { return each.name == "tls"; });
  return found != all.end() ? &*found : nullptr;
}

test::PairOptions resumable() {
  test::PairOptions options;
  options.server.timeouts.resume_window = 60s;
  options.client.timeouts.resume_window = 60s;
  return options;
}

// Nobody's failure may count: one would have the address refused.
AccountsOptions strict(LoginOver over) {
  AccountsOptions options = test::test_options(over);
  options.max_tries_per_address = 1;
  options.max_tries_per_connection = 2;
  return options;
}

/// A server with users and a client over TLS, and a proxy between them that cuts.
struct CutRig {
  explicit CutRig(LoginOver over = LoginOver::encrypted) : CutRig(test::test_options(over)) {}
  explicit CutRig(const AccountsOptions& at_client, test::PairOptions options = resumable())
      : rig(*tls(), strict(at_client.login_over), at_client, std::move(options)),
        proxy(test::parse_udp_address("127.0.0.1:0"),
              test::parse_udp_address("127.0.0.1:" + std::to_string(rig.pair.address.port))) {
    rig.pair.address.port = ntohs(proxy.local().sin_port);
    const auto dialled = rig.pair.client->connect(rig.pair.address.to_string());
    REQUIRE(dialled);
    REQUIRE(until([&] { return dialled->is_open() && rig.pair.server->is_connected(); }));
    rig.pair.caller = *dialled;
    rig.pair.callee = rig.pair.server->connections().front();
    run(20);  // what a connection says at its beginning
  }
  void step(Duration by = 1ms) {
    proxy.service(rig.pair.clock.now().time_since_epoch());
    rig.pair.step(by);
  }
  void run(int steps, Duration by = 1ms) {
    for (int i = 0; i < steps; ++i)
      step(by);
  }
  template <class F>
  [[nodiscard]] bool until(F holds) {
    return rig.pair.until([&] {
      proxy.service(rig.pair.clock.now().time_since_epoch());
      return holds();
    });
  }
  void stall(test::ProxyDirection direction) { proxy.stall(direction, TcpProxy::Time::max()); }
  void cut(TcpProxy::Cut how) {
    proxy.cut(how);
    proxy.resume(test::ProxyDirection::to_server);
    proxy.resume(test::ProxyDirection::to_clients);
  }
  [[nodiscard]] std::size_t interruptions() {
    return rig.pair.client.log.count(EventType::interrupted);
  }
  void expect_logged_in() {
    const auto& client = rig.pair.client.log;
    REQUIRE(until([&] { return AccountsRig::verdicts(rig.pair.client, rig.pair.caller) > 0; }));
    for (const auto& each : client.all())
      if (each.type == EventType::login_failed) FAIL_CHECK(each.error.message());
    REQUIRE(until([&] { return client.count(EventType::resumed) == interruptions(); }));
    CHECK(interruptions() == 1);
    CHECK(rig.there.user(rig.pair.caller) == "ann");
    CHECK(rig.here.user(rig.pair.callee) == "ann");
    CHECK(client.count(EventType::logged_in) == 1);
    CHECK(client.count(EventType::disconnected) == 0);
    const AccountsStats stats = rig.here.stats();
    CHECK(stats.logged_in == 1);
    CHECK(stats.binding_refused + stats.not_private + stats.malformed + stats.delayed == 0);
    CHECK(rig.there.stats().malformed + rig.there.stats().failed_elsewhere == 0);
  }

  AccountsRig rig;
  TcpProxy proxy;
};

/// Says what it is told to instead of an `Accounts`, and writes down the answers.
class Words final : public Extension {
 public:
  Disposition on_event(Host&, Event& event) override {
    if (!event.is<LoginWords>()) return Disposition::pass;
    heard.push_back(event.as<LoginWords>()->text);
    return Disposition::consume;
  }
  std::vector<std::string> heard;
};

}  // namespace

TEST_CASE("a login over TLS that is interrupted at any step begins again, and succeeds") {
  if (tls() == nullptr) return;
  enum class What { nothing, to_server, to_clients };
  for (const LoginOver over : {LoginOver::encrypted, kAny}) {
    for (const What stalled : {What::nothing, What::to_server, What::to_clients}) {
      for (int steps = 0; steps < 8; ++steps) {
        INFO("stalled ", static_cast<int>(stalled), ", cut after ", steps, " steps");
        CutRig cut(over);
        if (stalled == What::to_server) cut.stall(test::ProxyDirection::to_server);
        if (stalled == What::to_clients) cut.stall(test::ProxyDirection::to_clients);
        REQUIRE(cut.rig.there.login(cut.rig.pair.caller, "ann", "tulips"));
        cut.run(steps);
        cut.cut(TcpProxy::Cut::reset);
        REQUIRE(cut.until([&] { return cut.interruptions() == 1; }));
        cut.expect_logged_in();
      }
    }
  }
}

// Both come in one pass: what was said, and that there is no link any more to answer over.
TEST_CASE("a server that hears a login's words when the link is gone has it begun again") {
  if (tls() == nullptr) return;
  for (const LoginOver over : {LoginOver::encrypted, kAny}) {
    for (const std::size_t heard : {0u, 1u}) {
      INFO("after ", heard, " answers");
      CutRig cut(over);
      auto& pair = cut.rig.pair;
      REQUIRE(cut.rig.there.login(pair.caller, "ann", "tulips"));
      const auto passed = [&] { return cut.proxy.passed_bytes(test::ProxyDirection::to_clients); };
      if (heard == 1) {
        const auto before = passed();
        REQUIRE(cut.until([&] { return passed() > before + 60; }));
      }
      pair.server.awake = false;
      cut.run(30);
      cut.cut(TcpProxy::Cut::finish);
      cut.run(2);
      pair.server.awake = true;
      cut.expect_logged_in();
    }
  }
}

TEST_CASE(
    "a login that is asked for while the connection is interrupted begins when it is resumed") {
  if (tls() == nullptr) return;
  for (const LoginOver over : {LoginOver::encrypted, kAny}) {
    CutRig cut(over);
    cut.cut(TcpProxy::Cut::reset);
    REQUIRE(cut.until([&] { return cut.interruptions() == 1; }));
    REQUIRE(cut.rig.pair.caller.channel_binding().empty());
    const auto begun = cut.rig.there.login(cut.rig.pair.caller, "ann", "tulips");
    REQUIRE_MESSAGE(begun, test::why(begun));
    cut.expect_logged_in();
  }
}

TEST_CASE("a login that is asked for while `memory://` is interrupted begins, too") {
  AccountsRig rig(test::memory_scheme(), strict(LoginOver::encrypted),
                  test::test_options(LoginOver::encrypted), resumable());
  rig.pair.connect();
  rig.pair.network->sever_all();
  auto& client = rig.pair.client;
  // While the program still looks at the event: the next call follows at once.
  bool was_told = false;
  REQUIRE(rig.pair.until([&] {
    while (const auto event = client->poll()) {
      client.log.add(*event);
      if (event->type != EventType::interrupted) continue;
      CHECK_FALSE(rig.pair.caller.is_private());
      const auto begun = rig.there.login(rig.pair.caller, "ann", "tulips");
      REQUIRE_MESSAGE(begun, test::why(begun));
      was_told = true;
    }
    return was_told;
  }));
  REQUIRE(rig.pair.until([&] { return client.log.count(EventType::logged_in) == 1; }));
  CHECK(rig.here.user(rig.pair.callee) == "ann");
}

TEST_CASE("an interruption that is longer than the time to answer fails no login") {
  if (tls() == nullptr) return;
  AccountsOptions options = test::test_options(LoginOver::encrypted);
  options.answer_timeout = 10min;
  auto hosts = resumable();
  hosts.server.timeouts.resume_window = 2h;
  hosts.client.timeouts.resume_window = 2h;
  CutRig cut(options, hosts);
  auto& pair = cut.rig.pair;
  cut.stall(test::ProxyDirection::to_server);
  REQUIRE(cut.rig.there.login(pair.caller, "ann", "tulips"));
  cut.run(10);
  cut.proxy.cut(TcpProxy::Cut::reset);  // and what is stalled stays so
  REQUIRE(cut.until([&] { return cut.interruptions() == 1; }));
  cut.run(15 * 60, 1s);
  CHECK(AccountsRig::verdicts(pair.client, pair.caller) == 0);
  cut.proxy.resume(test::ProxyDirection::to_server);
  cut.expect_logged_in();
}

TEST_CASE("a program that leaves `resumed` out logs in a little later") {
  if (tls() == nullptr) return;
  auto hosts = resumable();
  hosts.client.events = EventMask::all().without(EventType::interrupted | EventType::resumed);
  AccountsOptions options = test::test_options(LoginOver::encrypted);
  options.answer_timeout = 10min;
  CutRig cut(options, hosts);
  auto& pair = cut.rig.pair;
  cut.cut(TcpProxy::Cut::reset);
  REQUIRE(cut.until([&] { return pair.caller.channel_binding().empty(); }));
  const TimePoint begun = pair.clock.now();
  REQUIRE(cut.rig.there.login(pair.caller, "ann", "tulips"));
  while (pair.clock.now() < begun + options.answer_timeout - 200ms)
    cut.step(100ms);
  REQUIRE(cut.until([&] { return cut.rig.there.user(pair.caller) == "ann"; }));
  CHECK(cut.rig.here.user(pair.callee) == "ann");
}

TEST_CASE("a proof for a session that is gone logs nobody in, and is no failure either") {
  if (tls() == nullptr) return;
  CutRig cut;
  auto& pair = cut.rig.pair;
  Words words;
  pair.client->detach(cut.rig.there);
  pair.client->attach(words);
  const auto answer = [&](LoginStep step, std::string text) {
    const std::size_t before = words.heard.size();
    REQUIRE(pair.caller.send(LoginWords{static_cast<std::uint8_t>(step), std::move(text)}));
    REQUIRE(cut.until([&] { return words.heard.size() > before; }));
    return words.heard.back();
  };
  const auto begin = [&](const std::string& nonce) {
    detail::ScramClient client("ann", pair.caller.channel_binding(), nonce);
    const auto challenge = client.read_first(answer(LoginStep::client_first, client.first()));
    REQUIRE(challenge);
    const auto password = std::as_bytes(std::span(std::string_view("tulips")));
    return client.final(crypto::pbkdf2_sha256(password, challenge->salt, challenge->iterations));
  };
  const auto lose_session = [&] {
    const std::size_t before = pair.client.log.count(EventType::resumed);
    cut.cut(TcpProxy::Cut::reset);
    REQUIRE(cut.until([&] { return pair.client.log.count(EventType::resumed) > before; }));
  };
  // More often than one connection may try.
  for (int i = 0; i < 4; ++i) {
    const std::string proof = begin("nonce" + std::to_string(i));
    lose_session();
    CHECK(answer(LoginStep::client_final, proof) == "e=channel-bindings-dont-match");
    CHECK(cut.rig.here.user(pair.callee).empty());
  }
  // The challenge may be answered with another beginning as well.
  static_cast<void>(begin("lost"));
  lose_session();
  CHECK(answer(LoginStep::client_final, begin("last")).starts_with("v="));
  CHECK(cut.rig.here.user(pair.callee) == "ann");
  CHECK(cut.rig.here.stats().binding_refused == 0);
}
