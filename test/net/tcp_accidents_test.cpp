// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "lib/transport/stream/stream_transport.hpp"
#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"
#include "test/support/transport_pair.hpp"

/// What goes wrong at this end: exceptions of the program, and a system without room.
using namespace tickwire;
using namespace std::chrono_literals;
using test::PlainSocket;
using test::RecordingLink;
using test::TransportHost;

namespace {

TransportHost::Make make(detail::Framing framing, detail::Poller* poller = nullptr) {
  return [framing, poller](detail::TransportContext context) {
    if (poller != nullptr) context.poller = poller;
    return detail::make_stream_transport(std::move(context), {framing});
  };
}

/// One that may have no room for another socket.
class NarrowPoller final : public detail::Poller {
 public:
  bool wait_until(TimePoint) override {
    for (const auto& [socket, target] : targets_)
      target->on_ready(detail::Edge::bytes);
    return !targets_.empty();
  }
  void wake() noexcept override {}

  bool is_full = false;

 private:
  bool change(detail::SocketHandle socket, detail::Interest, detail::Interest to, detail::Trigger,
              detail::PollTarget& target) noexcept override {
    if (to == detail::Interest::none) {
      targets_.erase(socket);
    } else if (is_full) {
      return false;
    } else {
      targets_[socket] = &target;
    }
    return true;
  }

  std::map<detail::SocketHandle, detail::PollTarget*> targets_;
};

}  // namespace

// The connections behind it in the pass stayed in a list that nobody looked through when one of
// them was freed.
TEST_CASE("an exception of a handler takes no turn away from the other connections") {
  ManualClock clock;
  TransportHost host(make(detail::Framing::frames), clock);
  const auto bound = host.listen("tcp://127.0.0.1:0");
  REQUIRE(bound);
  PlainSocket one(*bound);
  PlainSocket other(*bound);
  for (int pass = 0; pass < 10 && host.accepted.size() < 2; ++pass)
    host.service();
  REQUIRE(host.accepted.size() == 2);
  int packets = 0;
  for (const auto& end : host.accepted) {
    end->when_packet = [&] {
      if (++packets == 1) throw std::runtime_error("no");
    };
  }
  const std::string frame("\x05\0\0\0hello", 9);
  one.write(frame);
  other.write(frame);
  host.poller.wait(Duration::zero());
  CHECK_THROWS_AS(host.transport->service(clock.now()), std::runtime_error);
  CHECK(packets == 1);
  SUBCASE("who has not been served is served in the next pass") {
    host.transport->service(clock.now());
    CHECK(packets == 2);
  }
  SUBCASE("who is freed meanwhile is not served") {
    for (const auto& end : host.accepted)
      end->link.reset();
    host.flush();
    host.transport->service(clock.now());
    CHECK(packets == 1);
  }
  // What it had been handed is lost, so that nothing can follow it.
  int downs = 0;
  for (const auto& end : host.accepted) {
    downs += end->downs;
    if (end->downs > 0) CHECK(end->down->code == ErrorCode::exception_thrown);
  }
  CHECK(downs == 1);
}

TEST_CASE("a caller whose welcome throws is nobody's connection, and is hung up on") {
  for (const auto framing : {detail::Framing::none, detail::Framing::frames}) {
    ManualClock clock;
    TransportHost host(make(framing), clock);
    const auto bound = host.listen("raw+tcp://127.0.0.1:0");
    REQUIRE(bound);
    bool throws = true;
    host.when_incoming = [&](RecordingLink&) {
      if (throws) throw std::runtime_error("no");
    };
    PlainSocket caller(*bound);
    caller.write(std::string("\1\0\0\0x", 5));
    int thrown = 0;
    for (int pass = 0; pass < 10; ++pass) {
      try {
        host.service();
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }
    CHECK(thrown == 1);
    caller.read();
    CHECK((caller.has_ended || caller.failure != 0));
    REQUIRE(host.accepted.size() == 1);
    CHECK(host.accepted.front()->link->capacity_bytes(detail::Lane::reliable) == 0);
    CHECK(host.accepted.front()->arrived.empty());
    throws = false;
    const PlainSocket next(*bound);
    for (int pass = 0; pass < 10 && host.accepted.size() < 2; ++pass)
      host.service();
    CHECK(host.accepted.size() == 2);
  }
}

TEST_CASE("a listener that the poller has no room for after a pause is tried again") {
  if (!test::can_do_without_descriptors()) return;
  ManualClock clock;
  NarrowPoller poller;
  TransportHost host(make(detail::Framing::frames, &poller), clock);
  const auto bound = host.listen("tcp://127.0.0.1:0");
  REQUIRE(bound);
  const auto service = [&] {
    poller.wait(Duration::zero());
    host.transport->service(clock.now());
  };
  const PlainSocket waiting(*bound);
  {
    const test::NoMoreDescriptors none;
    service();
  }
  REQUIRE(host.pauses.size() == 1);
  poller.is_full = true;
  clock.advance(250ms);
  service();
  CHECK(host.accepted.empty());
  CHECK(host.transport->next_deadline() == clock.now() + 250ms);
  poller.is_full = false;
  clock.advance(250ms);
  service();
  service();
  CHECK(host.accepted.size() == 1);
  CHECK_FALSE(host.transport->next_deadline());
}
