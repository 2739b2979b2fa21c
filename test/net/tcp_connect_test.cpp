// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <net/if.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/platform/poller.hpp"
#include "lib/transport/stream/stream_transport.hpp"
#include "lib/transport/tcp/connect_race.hpp"
#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"
#include "test/support/transport_pair.hpp"
#include "test/support/why.hpp"

/// How calls over TCP find the other end, in both families.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::ConnectRace;
using test::PlainListener;
using test::PlainSocket;

namespace {

Address at(const std::string& host, std::uint16_t port) {
  return {"tcp", host, port, {}, {}};
}

bool has_ipv6() {
  const int socket = ::socket(AF_INET6, SOCK_STREAM, 0);
  if (socket < 0) return false;
  const test::PlainAddress here("::1", 0);
  const bool bound = ::bind(socket, here.raw(), here.size) == 0;
  ::close(socket);
  if (!bound) MESSAGE("no IPv6 on this machine: skipped");
  return bound;
}

/// Takes calls and answers none: its queue of newcomers is full.
class BlackHole {
 public:
  BlackHole() : listener_("127.0.0.1", 0) {
    const test::PlainAddress here("127.0.0.1", listener_.port());
    for (int i = 0; i < 4; ++i) {
      callers_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(callers_.back(), here.raw(), here.size));
    }
  }
  ~BlackHole() {
    for (const int caller : callers_)
      ::close(caller);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  PlainListener listener_;
  std::vector<int> callers_;
};

struct Race final : detail::PollTarget {
  explicit Race(std::vector<Address> candidates) : race(*poller, *this, std::move(candidates)) {}
  void on_ready(detail::Edge) noexcept override { is_ready = true; }

  /// A step now, at a time that stands still.
  std::optional<Result<ConnectRace::Winner>> step() { return race.step(now); }
  /// Waits for sockets, not for the clock.
  Result<ConnectRace::Winner> decide() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (auto decided = step()) return std::move(*decided);
      poller->wait(100ms);
    }
    return Error{ErrorCode::timed_out, 0, "The race was not decided."};
  }

  TimePoint now{1h};
  std::unique_ptr<detail::Poller> poller = detail::make_poller();
  ConnectRace race;
  bool is_ready = false;
};

HostConfig quiet_config() {
  HostConfig config;
  config.log.level = LogLevel::off;
  return config;
}

/// Connects a host with a server at an address of its own; what the two call each other.
struct Met {
  Address caller_sees;
  Address server_sees;
};
Met meet(const std::string& listen_url, const std::string& dialled_host) {
  ManualClock clock;
  HostConfig config = quiet_config();
  config.clock = &clock;
  test::LoggedHost server(config);
  test::LoggedHost client(config);
  const auto bound = server->listen(listen_url);
  REQUIRE_MESSAGE(bound, test::why(bound));
  const auto dialled = client->connect(at(dialled_host, bound->port).to_string());
  REQUIRE_MESSAGE(dialled, test::why(dialled));
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while ((client.log.all().empty() || server.log.all().empty()) &&
         std::chrono::steady_clock::now() < deadline) {
    client.poll();
    server.poll();
  }
  REQUIRE(dialled->is_open());
  REQUIRE(server.log.count(EventType::connected) == 1);
  return {dialled->address(), server.log.last(EventType::connected).connection.address()};
}

}  // namespace

TEST_CASE("the first of several addresses that answers is taken") {
  const PlainListener listener;
  Race race({at("127.0.0.1", listener.port()), at("127.0.0.1", test::closed_port())});
  const auto winner = race.decide();
  REQUIRE(winner);
  CHECK(winner->address.port == listener.port());
  CHECK(winner->socket.is_open());
}

TEST_CASE("an address that refuses gives its turn to the next at once") {
  const PlainListener listener;
  Race race({at("127.0.0.1", test::closed_port()), at("127.0.0.1", test::closed_port()),
             at("127.0.0.1", listener.port())});
  const auto winner = race.decide();  // the clock stands still
  REQUIRE(winner);
  CHECK(winner->address.port == listener.port());
}

TEST_CASE("an address that stays silent gives its turn to the next after a quarter of a second") {
  const BlackHole hole;
  const PlainListener listener;
  Race race({at("127.0.0.1", hole.port()), at("127.0.0.1", listener.port())});
  CHECK_FALSE(race.step());
  REQUIRE(race.race.next_deadline());
  CHECK(*race.race.next_deadline() == race.now + 250ms);
  race.now += 249ms;
  CHECK_FALSE(race.step());
  CHECK(race.race.next_deadline());
  race.now += 1ms;
  const auto winner = race.decide();
  REQUIRE(winner);
  CHECK(winner->address.port == listener.port());
  CHECK_FALSE(race.race.next_deadline());
}

TEST_CASE("an address that cannot even be called gives its turn to the next at once") {
  const BlackHole hole;
  const PlainListener listener;
  Race race({at("127.0.0.1", hole.port()), at("name", 1), at("name", 2),
             at("127.0.0.1", listener.port())});
  CHECK_FALSE(race.step());
  race.now += 250ms;
  const auto winner = race.decide();  // the clock stands still
  REQUIRE(winner);
  CHECK(winner->address.port == listener.port());
}

TEST_CASE("a call that is given the port that it calls, and so reaches itself, was refused") {
  // The system hands out even ports for calls, one after the other.
  const auto port = static_cast<std::uint16_t>(test::closed_port() & ~1);
  const auto there = detail::SocketAddress::parse("127.0.0.1", port);
  REQUIRE(there);
  bool has_reached_itself = false;
  for (int call = 0; call < 100'000 && !has_reached_itself; ++call) {
    const auto socket = detail::StreamSocket::connect(*there);
    if (!socket) continue;
    has_reached_itself =
        socket->local().port() == port && detail::remote_address(socket->handle()).port() == port;
    if (has_reached_itself) CHECK(socket->connect_result() == ECONNREFUSED);
  }
  if (!has_reached_itself) MESSAGE("no call got port " << port << ": not tested");
}

TEST_CASE("the two families have their turns one after the other") {
  if (!has_ipv6()) return;
  const BlackHole hole;
  const PlainListener listener("::1");
  Race race({at("127.0.0.1", hole.port()), at("127.0.0.1", hole.port()),
             at("127.0.0.1", hole.port()), at("::1", listener.port())});
  CHECK_FALSE(race.step());
  race.now += 250ms;
  const auto winner = race.decide();
  REQUIRE(winner);
  CHECK(winner->address.host == "::1");
}

TEST_CASE("a call that fails everywhere ends in the one error that says most") {
  Race refused({at("127.0.0.1", test::closed_port()), at("127.0.0.1", test::closed_port())});
  CHECK(refused.decide().error().code == ErrorCode::connection_refused);
  // There is no way to the first of these by TCP, and "name" is no address at all.
  const std::uint16_t port = test::closed_port();
  const std::vector<std::vector<Address>> orders = {
      {at("127.0.0.1", port), at("255.255.255.255", port), at("name", port)},
      {at("name", port), at("127.0.0.1", port), at("255.255.255.255", port)},
      {at("255.255.255.255", port), at("name", port), at("127.0.0.1", port)},
      {at("127.0.0.1", port), at("ff02::1", port)},
      {at("ff02::1", port), at("127.0.0.1", port)}};
  for (const auto& candidates : orders) {
    INFO("first " << candidates.front().host);
    Race mixed(candidates);
    CHECK(mixed.decide().error().code == ErrorCode::connection_refused);
  }
  Race nothing({at("name", port)});
  CHECK(nothing.decide().error().code == ErrorCode::invalid_address);
}

TEST_CASE("a call to a closed TCP port is refused, with the address in the sentence") {
  for (const test::Scheme* scheme : {&test::tcp_scheme(), &test::raw_scheme()}) {
    test::HostPair pair(*scheme);
    const std::string url = at("127.0.0.1", test::closed_port()).to_string();
    const std::string called = scheme->name + url.substr(url.find(':'));
    const auto dialled = pair.client->connect(called);
    REQUIRE(dialled);
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
    const test::Told& told = pair.client.log.last(EventType::error);
    CHECK(told.connection == *dialled);
    CHECK(told.error.code == ErrorCode::connection_refused);
    CHECK(told.error.system_code == ECONNREFUSED);
    CHECK(told.error.message().find(called) != std::string::npos);
    CHECK(pair.client.log.all().size() == 1);
  }
}

TEST_CASE("a call that nobody answers ends when its time is up, or when it is given up") {
  const BlackHole hole;
  test::HostPair pair(test::tcp_scheme());
  const std::string url = at("127.0.0.1", hole.port()).to_string();
  const auto patient = pair.client->connect(url);
  const auto given_up = pair.client->connect(url);
  REQUIRE(patient);
  REQUIRE(given_up);
  pair.run(100ms, 10ms);
  CHECK(pair.client.log.all().empty());
  CHECK(given_up->close() == ErrorCode::none);
  pair.run(20ms, 10ms);
  CHECK(pair.client.log.last(EventType::error).connection == *given_up);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::closed_locally);
  pair.run(5s, 100ms);
  CHECK(pair.client.log.last(EventType::error).connection == *patient);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::connect_timed_out);
  CHECK(pair.client.log.all().size() == 2);
  REQUIRE(pair.client->connect(url));
  pair.step();
  pair.client.host.reset();  // while it is calling
}

TEST_CASE("hosts meet over IPv6") {
  if (!has_ipv6()) return;
  const Met met = meet("tcp://[::1]:0", "::1");
  CHECK(met.caller_sees.host == "::1");
  CHECK(met.server_sees.host == "::1");
  CHECK(met.server_sees.to_string().starts_with("tcp://[::1]:"));
}

TEST_CASE("a host that listens on [::] takes IPv4 too, and shows it as IPv4") {
  if (!has_ipv6()) return;
  const Met four = meet("tcp://[::]:0", "127.0.0.1");
  CHECK(four.server_sees.host == "127.0.0.1");
  CHECK(four.server_sees.to_string().starts_with("tcp://127.0.0.1:"));
  CHECK(meet("tcp://[::]:0", "::1").server_sees.host == "::1");
  CHECK(meet("tcp://0.0.0.0:0", "127.0.0.1").server_sees.host == "127.0.0.1");
}

TEST_CASE("a name with addresses of both families reaches a host that listens on one") {
  CHECK(meet("tcp://127.0.0.1:0", "localhost").server_sees.host == "127.0.0.1");
  if (!has_ipv6()) return;
  // Not every machine gives localhost an IPv6 address: both families are taken here.
  const std::string seen = meet("tcp://[::]:0", "localhost").server_sees.host;
  CHECK((seen == "127.0.0.1" || seen == "::1"));
}

TEST_CASE("one host listens at several TCP addresses and keeps them apart") {
  test::HostPair pair(test::tcp_scheme());
  std::vector<Address> bound = {pair.address};
  bound.push_back(*pair.server->listen("tcp://127.0.0.1:0"));
  bound.push_back(*pair.server->listen("raw+tcp://127.0.0.1:0"));
  CHECK(pair.server->listening_addresses().size() == 3);
  std::set<std::uint16_t> ports;
  for (const Address& each : bound) {
    ports.insert(each.port);
    REQUIRE(pair.client->connect(each.to_string()));
  }
  CHECK(ports.size() == 3);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 3; }));
  const auto taken = pair.server->listen(pair.address.to_string());
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == ErrorCode::address_in_use);
  CHECK(taken.error().message().find(pair.address.to_string()) != std::string::npos);
}

TEST_CASE("TCP addresses that cannot be listened on are refused with a sentence that names them") {
  Host host(quiet_config());
  for (const auto& [url, code] :
       {std::pair("tcp://192.0.2.77:0", ErrorCode::address_unavailable),
        std::pair("tcp://[2001:db8::7]:0", ErrorCode::address_unavailable),
        std::pair("tcp://example.org:0", ErrorCode::invalid_address)}) {
    const auto bound = host.listen(url);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == code);
    CHECK(bound.error().message().find(url) != std::string::npos);
  }
}

TEST_CASE("numeric addresses are read as they are written, and names are none") {
  using detail::SocketAddress;
  for (const std::string host : {"127.0.0.1", "::1", "::", "2001:db8::7", "255.255.255.255"}) {
    const auto address = SocketAddress::parse(host, 4711);
    REQUIRE(address);
    CHECK(address->host() == host);
    CHECK(address->port() == 4711);
    CHECK(address->is_ipv6() == (host.find(':') != std::string::npos));
  }
  CHECK(SocketAddress::parse("::ffff:192.0.2.1", 1)->host() == "192.0.2.1");
  for (const std::string host : {"", "localhost", "127.1", "1", "0x7f000001", "1.2.3.4.5",
                                 ":::", "::1%no-such-link", "[::1]", "1.2.3.256"}) {
    INFO("host " << host);
    CHECK_FALSE(SocketAddress::parse(host, 1));
  }
  char name[IF_NAMESIZE];
  REQUIRE(if_indextoname(1, name) != nullptr);
  const std::string zoned = std::string("fe80::1%") + name;
  const auto link_local = SocketAddress::parse(zoned, 1);
  REQUIRE(link_local);
  CHECK(link_local->host() == zoned);
}

TEST_CASE("while accepting pauses, nobody waits for the listening socket, so nothing spins") {
  if (!test::can_do_without_descriptors()) return;
  ManualClock clock;
  const auto make = [](detail::TransportContext context) {
    return detail::make_stream_transport(std::move(context), {});
  };
  test::TransportHost host(make, clock);
  const auto bound = host.listen("tcp://127.0.0.1:0");
  REQUIRE(bound);
  const PlainSocket waiting(*bound);
  REQUIRE(host.poller.sockets().size() == 1);
  {
    const test::NoMoreDescriptors none;
    host.service();
    CHECK(host.poller.sockets().empty());
    REQUIRE(host.pauses.size() == 1);
    CHECK(host.pauses.front().code == ErrorCode::out_of_resources);
    CHECK(host.transport->next_deadline() == clock.now() + 250ms);
    clock.advance(249ms);
    for (int pass = 0; pass < 50; ++pass)
      host.service();
    CHECK(host.transport->counters().socket_errors == 1);
    clock.advance(1ms);
    host.service();  // still none
    CHECK(host.transport->counters().socket_errors == 2);
    CHECK(host.pauses.size() == 1);
  }
  clock.advance(250ms);
  host.service();
  host.service();
  CHECK(host.accepted.size() == 1);
  CHECK_FALSE(host.transport->next_deadline());
}

TEST_CASE("callers above a listener's limit are taken a bounded number at a time") {
  ManualClock clock;
  const auto make = [](detail::TransportContext context) {
    return detail::make_stream_transport(std::move(context), {});
  };
  test::TransportHost host(make, clock);
  const auto bound = host.listen("tcp://127.0.0.1:0", 3);
  REQUIRE(bound);
  std::vector<PlainSocket> crowd;
  crowd.reserve(300);
  for (int i = 0; i < 300; ++i)
    crowd.emplace_back(*bound);
  host.service();
  CHECK(host.transport->counters().refused_full <= 64);
  for (int pass = 0; pass < 10; ++pass)
    host.service();
  CHECK(host.accepted.size() == 3);
  CHECK(host.transport->counters().refused_full == 297);
  // A place that comes free is given to somebody else.
  host.accepted.front()->link.reset();
  host.flush();
  const PlainSocket late(*bound);
  host.service();
  host.service();
  CHECK(host.accepted.size() == 4);
}

TEST_CASE("an address has its limit of connections and two more from the accept on to their end") {
  ManualClock clock;
  const auto make = [](detail::TransportContext context) {
    context.max_links_per_address = 1;
    return detail::make_stream_transport(std::move(context), {});
  };
  test::TransportHost host(make, clock);
  const auto bound = host.listen("tcp://127.0.0.1:0");
  REQUIRE(bound);
  std::vector<PlainSocket> crowd;
  for (int i = 0; i < 10; ++i)
    crowd.emplace_back(*bound);
  const auto pass = [&] {
    for (int i = 0; i < 5; ++i)
      host.service();
    host.flush();
  };
  pass();
  CHECK(host.accepted.size() == 3);
  CHECK(host.transport->counters().refused_address == 7);
  CHECK(host.transport->counters().refused_full == 0);
  // One that is closed still has its place, as long as its last bytes are waited for.
  host.accepted.front()->link->close();
  pass();
  crowd.emplace_back(*bound);
  pass();
  CHECK(host.accepted.size() == 3);
  CHECK(host.transport->counters().refused_address == 8);
  clock.advance(3s);
  pass();
  crowd.emplace_back(*bound);
  pass();
  CHECK(host.accepted.size() == 4);
}

TEST_CASE("both ends of a TCP connection send what is small at once (TCP_NODELAY)") {
  const auto port_by = [](auto names, int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (names(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    if (address.ss_family != AF_INET) return 0;
    return static_cast<int>(ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port));
  };
  for (const auto& scheme : test::schemes()) {
    if (scheme.name != "tcp" && scheme.name != "tls") continue;
    CAPTURE(scheme.name);
    test::HostPair pair(scheme);
    pair.connect();
    int dialled = 0;
    int accepted = 0;
    // A host shows nobody its sockets, but they are this process's. New ones have low numbers.
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
      const int remote_port = port_by(::getpeername, descriptor);
      if (remote_port == 0) continue;
      const bool is_dialled = remote_port == pair.address.port;
      if (!is_dialled && port_by(::getsockname, descriptor) != pair.address.port) continue;
      ++(is_dialled ? dialled : accepted);
      CAPTURE(is_dialled);
      int value = 0;
      socklen_t size = sizeof value;
      REQUIRE(::getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0);
      CHECK(value != 0);
    }
    CHECK(dialled == 1);
    CHECK(accepted == 1);
  }
}
