// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <memory_resource>
#include <new>

#include <tickwire/testing.hpp>

#include "lib/base/buffer.hpp"
#include "lib/transport/stream/stream_transport.hpp"
#include "test/support/allocations.hpp"
#include "test/support/plain_socket.hpp"

/// Allocations that fail while somebody is let in, or while what is for him leaves.
using namespace tickwire;
using test::PlainSocket;

namespace {

/// A host that needs no memory of its own.
struct Door final : detail::TransportHandler, detail::LinkHandler {
  explicit Door(detail::StreamOptions options) {
    detail::TransportContext context;
    context.clock = &clock;
    context.pool = &*pool;
    context.poller = poller.get();
    context.handler = this;
    context.max_links = 1;
    context.idle = std::chrono::seconds(10);
    context.handshake = std::chrono::seconds(10);
    context.max_links_per_address = 1;
    transport = detail::make_stream_transport(std::move(context), options);
  }
  void service() {
    poller->wait(std::chrono::milliseconds(1));
    transport->service(clock.now());
    transport->flush(clock.now());
  }

  detail::LinkHandler* on_incoming(std::unique_ptr<detail::Link> incoming, std::size_t) override {
    link = std::move(incoming);
    return this;
  }
  void on_handshake_failed(const Address&, const Error&) override {}
  void on_accepting_paused(std::size_t, Error) override {}
  void on_listener_lost(std::size_t, Error) override {}
  void on_link_up() override {}
  void on_packet(detail::Packet, TimePoint) override {}
  void on_progress(TimePoint) override {}
  void on_end_of_stream(TimePoint) override { link.reset(); }
  void on_link_down(Error) override { link.reset(); }

  ManualClock clock;
  detail::PoolOwner pool{std::pmr::new_delete_resource()};
  std::unique_ptr<detail::Poller> poller = detail::make_poller();
  std::unique_ptr<detail::Transport> transport;
  std::unique_ptr<detail::Link> link;
};

/// What came of it that one allocation failed.
struct Shortage {
  bool was_reached = false;
  bool has_thrown = false;
};

/// Does the work, whose n-th allocation fails.
template <class Work>
Shortage fail_allocation(int n, const Work& work) {
  const test::FailingAllocation failing(n);
  Shortage shortage;
  try {
    work();
  } catch (const std::bad_alloc&) {
    shortage.has_thrown = true;
  }
  shortage.was_reached = failing.was_reached();
  return shortage;
}

}  // namespace

// Those that failed left the transport's lists with one that did not exist, and took a place of the
// listener's with them.
TEST_CASE("a caller for whom there is no memory is cut off, and takes no place from the next") {
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 1000);
    Door door({detail::Framing::none});
    const auto bound = door.transport->listen({*Address::parse("raw+tcp://127.0.0.1:0"), 1, 0, {}});
    REQUIRE(bound);
    PlainSocket caller(*bound);
    const Shortage shortage = fail_allocation(n, [&] {
      for (int pass = 0; pass < 5; ++pass)
        door.service();
    });
    was_reached = shortage.was_reached;
    CHECK_FALSE(shortage.has_thrown);
    for (int pass = 0; pass < 3; ++pass)
      door.service();
    caller.close();
    for (int pass = 0; pass < 200 && door.link; ++pass)
      door.service();
    CHECK_FALSE(door.link);
    door.service();
    CHECK_FALSE(door.transport->next_deadline());
    const PlainSocket next(*bound);
    for (int pass = 0; pass < 200 && !door.link; ++pass)
      door.service();
    CHECK(door.link);
    door.link.reset();
  }
}

TEST_CASE("a write that there is no memory for ends its connection, and throws out of no flush") {
  bool was_reached = true;
  int failed = 0;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 1000);
    Door door({detail::Framing::none});
    const auto bound = door.transport->listen({*Address::parse("raw+tcp://127.0.0.1:0"), 1, 0, {}});
    REQUIRE(bound);
    PlainSocket caller(*bound);
    for (int pass = 0; pass < 200 && !door.link; ++pass)
      door.service();
    REQUIRE(door.link);
    // What is told of the failure is what takes memory.
    caller.reset();
    detail::Packet packet(*door.pool, 100);
    static_cast<void>(packet.append(100));
    door.link->send(std::move(packet), detail::Lane::reliable, 0);
    const Shortage shortage = fail_allocation(n, [&] { door.transport->flush(door.clock.now()); });
    was_reached = shortage.was_reached;
    CHECK_FALSE(shortage.has_thrown);
    for (int pass = 0; pass < 200 && door.link; ++pass)
      door.service();
    CHECK_FALSE(door.link);
    failed += was_reached ? 1 : 0;
  }
  CHECK(failed > 0);
}
