// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/bytes.hpp"
#include "lib/transport/stream/stream_transport.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"
#include "test/support/transport_pair.hpp"

/// Peers that do not read, and connections that end while something is under way.
using namespace tickwire;
using namespace std::chrono_literals;
using test::PlainSocket;

namespace {

constexpr std::size_t queue_limit = 8 * 1024 * 1024;
// For blocks that are not full, and what waits in a transport.
constexpr std::size_t slack = 4 * 1024 * 1024;

test::PairOptions limited(test::CountingResource& memory) {
  test::PairOptions options;
  options.server.limits.max_send_queue_bytes = queue_limit;
  options.server.limits.max_message_bytes = 1024 * 1024;
  options.server.memory = &memory;
  return options;
}

/// Tries to send 100 MB to somebody who does not read, while another goes on talking. The clock
/// stands still, so that nobody is given up.
void offer_too_much(test::HostPair& pair, test::CountingResource& memory, Connection deaf,
                    test::LoggedHost& other, Connection talking) {
  const std::string piece = test::pattern(100'000);
  std::size_t refused = 0;
  std::size_t talked = other.log.messages();
  for (int i = 0; i < 1000; ++i) {
    const auto sent = pair.server->send_bytes(deaf, detail::as_bytes(piece));
    if (!sent) {
      REQUIRE(sent.error().code == ErrorCode::send_queue_full);
      ++refused;
    }
    REQUIRE(deaf.stats().queued_bytes <= queue_limit);
    REQUIRE(memory.bytes_out() < queue_limit + slack);
    if (i % 50 != 0) continue;
    REQUIRE(pair.server->send_bytes(talking, detail::as_bytes("tick")));
    ++talked;
    // Two passes are all that it takes.
    for (int pass = 0; pass < 4; ++pass)
      pair.step(0ms);
    REQUIRE(other.log.messages() == talked);
  }
  CHECK(refused > 800);
  CHECK(deaf.stats().drops.refused_queue_full == refused);
  CHECK(deaf.is_open());
}

}  // namespace

TEST_CASE("100 MB for a TCP peer that stopped reading cost no more than the queue's limit") {
  test::CountingResource memory;
  {
    test::HostPair pair(test::tcp_scheme(), limited(memory));
    pair.connect();
    const Connection deaf = pair.callee;
    test::LoggedHost& other = pair.add();
    pair.connect(other);
    const Connection talking = pair.server.log.last(EventType::connected).connection;
    pair.client.awake = false;
    offer_too_much(pair, memory, deaf, other, talking);
    // It wakes up, and what was taken arrives.
    pair.client.awake = true;
    REQUIRE(pair.until([&] { return deaf.stats().queued_bytes == 0; }, 0ms));
  }
  CHECK(memory.bytes_out() == 0);
}

TEST_CASE("100 MB for a raw peer that stopped reading cost no more than the queue's limit") {
  test::CountingResource memory;
  {
    test::HostPair pair(test::raw_scheme(), limited(memory));
    PlainSocket plain(pair.address);
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
    const Connection deaf = pair.server.log.last(EventType::connected).connection;
    pair.connect();
    // A raw peer hears bytes, in any portions; short ones that are taken at once come one by one.
    offer_too_much(pair, memory, deaf, pair.client, pair.callee);
    const auto queued = deaf.stats().queued_bytes;
    CHECK(queued > queue_limit / 2);
    const std::size_t sent = deaf.stats().messages_sent * 100'000;
    REQUIRE(pair.until(
        [&] {
          plain.read();
          return plain.received.size() == sent;
        },
        0ms));
    CHECK(deaf.stats().queued_bytes == 0);
  }
  CHECK(memory.bytes_out() == 0);
}

TEST_CASE("a raw program that does not poll its data holds the sender back, in bounded memory") {
  test::CountingResource memory;
  test::PairOptions options;
  options.server.memory = &memory;
  options.server.limits.receive_window_bytes = 128 * 1024;
  options.server.event_capacity = 16;
  options.server.max_events_per_pass = 1;
  test::HostPair pair(test::raw_scheme(), std::move(options));
  PlainSocket sender(pair.address);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  const std::string piece = test::pattern(64 * 1024);
  // The server lets the sockets move and takes nothing: one event of a pass goes to something else.
  std::size_t written = 0;
  std::size_t idle_rounds = 0;
  while (idle_rounds < 100) {
    const std::size_t more = sender.write(piece);
    written += more;
    idle_rounds = more == 0 ? idle_rounds + 1 : 0;
    static_cast<void>(pair.server->wait_connected({}, Duration::zero()));
    REQUIRE(memory.bytes_out() < 128 * 1024 + 1024 * 1024);
    REQUIRE(written < 64 * 1024 * 1024);
  }
  CHECK(written > 128 * 1024);
  // Taken, everything comes.
  std::size_t received = 0;
  const auto all_received = [&] {
    received = 0;
    for (const test::Told& told : pair.server.log.all())
      received += told.type == EventType::data_received ? told.text.size() : 0;
    return received == written;
  };
  REQUIRE(pair.until(all_received, 0ms));
}

TEST_CASE("a raw caller that shuts down its writing half still gets the whole answer") {
  test::HostPair pair(test::raw_scheme());
  PlainSocket caller(pair.address);
  caller.write("question");
  caller.shut_down();
  const std::string answer = test::pattern(5'000'000);
  bool is_answered = false;
  REQUIRE(pair.until(
      [&] {
        caller.read();
        if (!is_answered && pair.server.log.messages() == 1) {
          const Connection callee = pair.server.log.last(EventType::data_received).connection;
          REQUIRE(pair.server->send_bytes(callee, detail::as_bytes(answer)));
          is_answered = true;
        }
        return caller.has_ended || caller.failure != 0;
      },
      0ms));
  CHECK(caller.failure == 0);
  CHECK(caller.received == answer);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
}

TEST_CASE("who half-closes at once and only listens is not ended before the program knows him") {
  test::PairOptions options;
  options.server.max_events_per_pass = 1;
  test::HostPair pair(test::raw_scheme(), std::move(options));
  std::vector<std::unique_ptr<PlainSocket>> callers;
  for (int i = 0; i < 4; ++i) {
    callers.push_back(std::make_unique<PlainSocket>(pair.address));
    callers.back()->shut_down();
  }
  std::size_t greeted = 0;
  REQUIRE(pair.until([&] {
    const auto& told = pair.server.log.all();
    for (; greeted < told.size(); ++greeted) {
      if (told[greeted].type != EventType::connected) continue;
      CHECK(pair.server->send_bytes(told[greeted].connection, detail::as_bytes("banner")));
    }
    return std::all_of(callers.begin(), callers.end(), [](const auto& each) {
      each->read();
      return each->has_ended || each->failure != 0;
    });
  }));
  for (const auto& each : callers)
    CHECK(each->received == "banner");
}

TEST_CASE("the program is asked about a raw caller, and one that it refuses is cut off unheard") {
  test::PairOptions options;
  int asked = 0;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    CHECK(request.address.host == "127.0.0.1");
    CHECK(request.name.empty());
    if (++asked == 1) return Error{ErrorCode::refused_by_application, 0, "not today"};
    return {};
  };
  test::HostPair pair(test::raw_scheme(), std::move(options));
  const auto refused = pair.client->connect(pair.address.to_string());
  REQUIRE(refused);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
  CHECK(pair.server.log.all().empty());
  CHECK(pair.server->stats().handshakes_refused == 1);
  pair.connect();
  CHECK(asked == 2);
}

TEST_CASE("a raw stream that ends is told from one that is cut") {
  for (const bool is_cut : {false, true}) {
    test::HostPair pair(test::raw_scheme());
    PlainSocket caller(pair.address);
    caller.write("last words");
    REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
    if (is_cut) {
      caller.reset();
    } else {
      caller.close();
    }
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
    CHECK(pair.server.log.last(EventType::disconnected).error.code ==
          (is_cut ? ErrorCode::connection_reset : ErrorCode::closed_by_peer));
    CHECK(pair.server.log.texts().back() == "last words");
  }
}

TEST_CASE("an end that has come together with the last bytes is seen") {
  for (const bool is_cut : {false, true}) {
    test::HostPair pair(test::raw_scheme());
    PlainSocket caller(pair.address);
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
    caller.write("last words");
    if (is_cut) {
      caller.reset();
    } else {
      caller.close();
    }
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
    if (!is_cut) CHECK(pair.server.log.texts().back() == "last words");
  }
}

TEST_CASE("a program that answers only after its pass still answers somebody who has closed") {
  test::HostPair pair(test::raw_scheme());
  PlainSocket caller(pair.address);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  caller.write("question");
  caller.shut_down();
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  const Connection callee = pair.server.log.last(EventType::data_received).connection;
  REQUIRE(pair.server->send_bytes(callee, detail::as_bytes("answer")));
  REQUIRE(pair.until([&] {
    caller.read();
    return caller.has_ended;
  }));
  CHECK(caller.received == "answer");
}

TEST_CASE("bytes behind an urgent one, which a read stops at, come by themselves") {
  test::HostPair pair(test::raw_scheme());
  PlainSocket caller(pair.address);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  caller.write("before");
  caller.write_urgent('!');
  caller.write("behind");
  REQUIRE(pair.until([&] {
    std::string all;
    for (const std::string& text : pair.server.log.texts())
      all += text;
    return all == "beforebehind";
  }));
}

TEST_CASE("a host closed politely over TCP lets everything arrive that is queued") {
  test::HostPair pair(test::tcp_scheme());
  pair.connect();
  const std::string piece = test::pattern(50'000);
  for (int i = 0; i < 100; ++i)
    REQUIRE(pair.server->send_bytes(pair.callee, detail::as_bytes(piece)));
  pair.server->close("that was all");
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.client.log.messages() == 100);
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.count(EventType::data_sent) == 100);
  for (const test::Told& told : pair.server.log.all())
    if (told.type == EventType::data_sent) CHECK(told.receipt == Receipt::acknowledged);
}

TEST_CASE("a host destroyed right after its polite close has lost nothing that was acknowledged") {
  test::HostPair pair(test::tcp_scheme());
  pair.connect();
  for (int i = 0; i < 50; ++i)
    REQUIRE(test::send_text(pair.caller, std::to_string(i)));
  pair.client->close("bye");
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.client.host.reset();
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.messages() == 50);
  CHECK(pair.server.log.last(EventType::disconnected).error.message().find("bye") !=
        std::string::npos);
}

TEST_CASE("a raw host destroyed right after its polite close still sends what the kernel takes") {
  test::HostPair pair(test::raw_scheme());
  PlainSocket caller(pair.address);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  const Connection callee = pair.server.log.last(EventType::connected).connection;
  REQUIRE(pair.server->send_bytes(callee, detail::as_bytes("goodbye")));
  pair.server->close();
  pair.server.poll();
  pair.server.host.reset();
  REQUIRE(pair.until([&] {
    caller.read();
    return caller.has_ended || caller.failure != 0;
  }));
  CHECK(caller.received == "goodbye");
  CHECK(caller.has_ended);
}

// More than the system takes: the rest lies in the session, not in the transport.
TEST_CASE("a raw stream that is cut short ends with a reset, one that is whole does not") {
  enum class How { closed, destroyed, given_up, whole, unsent };
  for (const How how : {How::closed, How::destroyed, How::given_up, How::whole, How::unsent}) {
    INFO("how ", static_cast<int>(how));
    test::PairOptions options;
    options.server.timeouts.linger = 100ms;
    test::HostPair pair(test::raw_scheme(), std::move(options));
    PlainSocket caller(pair.address, PlainSocket::Path::narrow);
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
    const Connection callee = pair.server.log.last(EventType::connected).connection;
    const bool is_short = how != How::whole;
    const std::string answer = test::pattern(how == How::whole ? 100 : 4'000'000);
    REQUIRE(pair.server->send_bytes(callee, detail::as_bytes(answer)));
    if (how != How::unsent) pair.run(50ms);
    if (how == How::closed) pair.server->close(callee);
    if (how == How::given_up) pair.clock.advance(2min);
    if (how == How::closed || how == How::given_up) {
      REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
    } else {
      pair.server.host.reset();
    }
    REQUIRE(pair.until([&] {
      caller.read();
      return caller.has_ended || caller.failure != 0;
    }));
    CHECK(caller.failure == (is_short ? ECONNRESET : 0));
    CHECK((caller.received == answer) != is_short);
  }
}

TEST_CASE("a raw peer that writes while it is being closed gets all that was meant for it") {
  test::HostPair pair(test::raw_scheme());
  PlainSocket caller(pair.address);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  const Connection callee = pair.server.log.last(EventType::connected).connection;
  const std::string answer = test::pattern(8'000'000);
  REQUIRE(pair.server->send_bytes(callee, detail::as_bytes(answer)));
  pair.server->close(callee);
  const std::string noise = test::pattern(64 * 1024);
  // It reads only after it could write: with its writing not taken in, both would stand still.
  REQUIRE(pair.until(
      [&] {
        if (caller.write(noise) == 0 || pair.server->stats().open_connections == 0) caller.read();
        return caller.has_ended || caller.failure != 0;
      },
      0ms));
  CHECK(caller.failure == 0);
  CHECK(caller.received == answer);
}

TEST_CASE("a link that is closed takes in and drops what its peer still writes, or neither ends") {
  ManualClock clock;
  const auto make = [](detail::TransportContext context) {
    return detail::make_stream_transport(std::move(context), {detail::Framing::none});
  };
  test::TransportHost host(make, clock);
  const auto bound = host.listen("raw+tcp://127.0.0.1:0");
  REQUIRE(bound);
  PlainSocket peer(*bound, PlainSocket::Path::narrow);
  host.service();
  host.service();
  REQUIRE(host.accepted.size() == 1);
  test::RecordingLink& end = *host.accepted.front();
  // Or the kernel finds room for what is left when it hears from the peer.
  for (const detail::SocketHandle socket : host.poller.sockets()) {
    const int little = 8 * 1024;
    REQUIRE(::setsockopt(static_cast<int>(socket), SOL_SOCKET, SO_SNDBUF, &little, sizeof little) ==
            0);
  }
  // More than the kernel takes, so that something is left when it is closed.
  std::size_t sent = 0;
  for (int full_passes = 0; full_passes < 50; ++full_passes) {
    for (; end.link->capacity_bytes(detail::Lane::reliable) > 0; full_passes = 0) {
      end.send(test::pattern(32 * 1024));
      sent += 32 * 1024;
      host.flush();
      REQUIRE(sent < 128 * 1024 * 1024);
    }
    host.service();  // the kernel moves things on
  }
  end.link->close();
  // This one reads nothing before it has written all: with its writing not taken in, both would
  // stand still.
  const std::string noise = test::pattern(64 * 1024);
  constexpr std::size_t noise_bytes = 48 * 1024 * 1024;  // more than two kernel buffers hold
  std::size_t written = 0;
  for (int pass = 0; pass < 10'000 && written < noise_bytes; ++pass) {
    written += peer.write(noise);
    host.service();
  }
  INFO("sent " << sent << ", written " << written);
  CHECK(written >= noise_bytes);
  for (int pass = 0; pass < 10'000 && !peer.has_ended && peer.failure == 0; ++pass) {
    peer.read();
    host.service();
  }
  CHECK(peer.has_ended);
  CHECK(peer.received.size() == sent);
  CHECK(end.texts().empty());
}

TEST_CASE("a raw peer behind a narrow path gets everything, a little at a time") {
  test::HostPair pair(test::raw_scheme());
  PlainSocket narrow(pair.address, PlainSocket::Path::narrow);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  const Connection callee = pair.server.log.last(EventType::connected).connection;
  const std::string text = test::pattern(2'000'000);
  REQUIRE(pair.server->send_bytes(callee, detail::as_bytes(text)));
  REQUIRE(pair.until(
      [&] {
        narrow.read(16 * 1024);  // so that the kernel never has room for all that waits
        return narrow.received.size() == text.size();
      },
      0ms));
  CHECK(narrow.received == text);
}

namespace {

/// A link to somebody who does as the test says.
struct OpenLink {
  explicit OpenLink(detail::Framing framing = detail::Framing::none,
                    PlainSocket::Path path = PlainSocket::Path::wide)
      : host(make(framing), clock) {
    const auto bound = host.listen("raw+tcp://127.0.0.1:0");
    REQUIRE(bound);
    peer = std::make_unique<PlainSocket>(*bound, path);
    for (int pass = 0; pass < 10 && host.accepted.empty(); ++pass)
      host.service();
    REQUIRE(host.accepted.size() == 1);
  }
  [[nodiscard]] test::RecordingLink& end() { return *host.accepted.front(); }

  ManualClock clock;
  test::TransportHost host;
  std::unique_ptr<PlainSocket> peer;

 private:
  static test::TransportHost::Make make(detail::Framing framing) {
    return [framing](detail::TransportContext context) {
      return detail::make_stream_transport(std::move(context), {framing});
    };
  }
};

/// One to somebody who has read nothing yet, with all that the link takes.
struct FullLink : OpenLink {
  explicit FullLink(detail::Framing framing) : OpenLink(framing, PlainSocket::Path::narrow) {
    for (const detail::SocketHandle socket : host.poller.sockets()) {
      const int little = 8 * 1024;
      REQUIRE(::setsockopt(static_cast<int>(socket), SOL_SOCKET, SO_SNDBUF, &little,
                           sizeof little) == 0);
    }
    for (int full_passes = 0; full_passes < 50; ++full_passes) {
      for (; end().link->capacity_bytes(detail::Lane::reliable) > 0; full_passes = 0) {
        end().send(test::pattern(32 * 1024));
        sent += 32 * 1024;
        host.flush();
        REQUIRE(sent < 128 * 1024 * 1024);
      }
      host.service();
    }
  }
  /// Passes at the times that the transport asks for, and how many they were.
  int run(Duration time) {
    const TimePoint until = clock.now() + time;
    for (int passes = 0;; ++passes) {
      const auto next = host.transport->next_deadline();
      if (!next || *next > until) {
        clock.advance_to(until);
        return passes;
      }
      clock.advance_to(*next);
      host.transport->service(clock.now());
      host.flush();
    }
  }
  /// Reads as much as that every now and then, until there is an end or nothing more comes. What
  /// the system itself does between the two sockets takes real time, in which the host's stands
  /// still.
  void read_slowly(std::size_t bytes, Duration pause) {
    int silent = 0;
    while (!peer->has_ended && peer->failure == 0 && silent < 3000) {
      const std::size_t before = peer->received.size();
      peer->read(bytes);
      const bool has_come = peer->received.size() != before;
      silent = has_come ? 0 : silent + 1;
      if (!has_come) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      for (int pass = 0; pass < 3; ++pass)
        host.service();
      if (has_come) clock.advance(pause);
      host.service();
    }
  }

  std::size_t sent = 0;
};

}  // namespace

TEST_CASE("a raw link that is closed has time for its last bytes as long as some of them go") {
  FullLink full(detail::Framing::none);
  full.end().link->close();
  full.read_slowly(16 * 1024, 1500ms);
  CHECK(full.peer->has_ended);
  CHECK(full.peer->received.size() == full.sent);
}

TEST_CASE("who has said his last word on a raw stream may be slow to read the answer") {
  FullLink full(detail::Framing::none);
  full.peer->shut_down();
  for (int pass = 0; pass < 10 && full.end().ends_of_stream == 0; ++pass)
    full.host.service();
  REQUIRE(full.end().ends_of_stream == 1);
  full.end().link->close();
  full.read_slowly(16 * 1024, 5s);
  CHECK(full.peer->has_ended);
  CHECK(full.peer->received.size() == full.sent);
}

TEST_CASE("a raw stream of which the last bytes are given up is cut, and does not end") {
  FullLink full(detail::Framing::none);
  full.end().link->close();
  full.host.service();
  full.clock.advance(2s);
  full.host.service();
  full.peer->read();
  CHECK_FALSE(full.peer->has_ended);
  CHECK(full.peer->failure == ECONNRESET);
  CHECK(full.peer->received.size() < full.sent);
}

TEST_CASE("a raw link that is dropped with something unsent is cut, and does not end") {
  FullLink full(detail::Framing::none);
  full.end().link.reset();
  full.host.service();
  full.peer->read();
  CHECK_FALSE(full.peer->has_ended);
  CHECK(full.peer->failure == ECONNRESET);
}

TEST_CASE("who was told that a link is full hears of room that has come by the end of the pass") {
  OpenLink open;
  while (open.end().link->capacity_bytes(detail::Lane::reliable) > 0)
    open.end().send(test::pattern(1000));
  open.host.flush();
  // The kernel has taken all of it.
  REQUIRE(open.host.transport->next_deadline());
  CHECK(*open.host.transport->next_deadline() <= open.clock.now());
  open.host.service();
  CHECK(open.end().link->capacity_bytes(detail::Lane::reliable) > 0);
}

TEST_CASE("what a peer has sent before it closed is read, though nothing can be written any more") {
  OpenLink open;
  open.end().link->set_reading(detail::Reading::paused);
  // No more than the system holds at this end.
  const std::string words = test::pattern(64 * 1024);
  REQUIRE(open.peer->write(words) == words.size());
  open.peer->close();
  for (int i = 0; i < 5; ++i) {
    open.end().send("too late");
    open.host.flush();
    open.host.service();
    std::this_thread::sleep_for(1ms);
  }
  CHECK(open.end().downs == 0);
  CHECK(open.end().link->capacity_bytes(detail::Lane::reliable) == 0);
  open.end().link->set_reading(detail::Reading::on);
  for (int pass = 0; pass < 1000 && open.end().downs == 0; ++pass)
    open.host.service();
  CHECK(open.end().downs == 1);
  std::string read;
  for (const std::string& text : open.end().texts())
    read += text;
  CHECK(read == words);
}

TEST_CASE("who reads nothing is looked after less and less often") {
  FullLink full(detail::Framing::none);
  const int passes = full.run(9s);
  CHECK(passes > 50);
  CHECK(passes < 200);
  CHECK(full.end().downs == 0);
  // It is noticed all the same when he goes on.
  for (int i = 0; i < 50 && full.end().link->capacity_bytes(detail::Lane::reliable) == 0; ++i) {
    full.peer->read();
    full.run(100ms);
  }
  CHECK(full.end().link->capacity_bytes(detail::Lane::reliable) > 0);
}

TEST_CASE("who talks and reads nothing is given up, and with him what waits for him") {
  for (const auto framing : {detail::Framing::frames, detail::Framing::none}) {
    const bool is_raw = framing == detail::Framing::none;
    FullLink full(framing);
    const Duration patience = is_raw ? Duration(70s) : Duration(10s);
    for (Duration time{}; time < patience - 1s; time += 500ms) {
      full.peer->write(std::string("\1\0\0\0x", 5));
      full.host.service();
      full.run(500ms);
    }
    CHECK(full.end().downs == 0);
    full.run(5s);  // the kernels may have moved a little at first
    REQUIRE(full.end().downs == 1);
    CHECK(full.end().down->code == ErrorCode::connection_lost);
  }
}

TEST_CASE("who reads a little now and then is not given up") {
  FullLink full(detail::Framing::none);
  for (int i = 0; i < 4; ++i) {
    full.run(60s);
    full.peer->read(16 * 1024);
    full.run(1s);
  }
  CHECK(full.end().downs == 0);
}
