// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>

#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"
#include "test/support/allocations.hpp"

/// ENet without memory. Its header belongs to one folder of lib/: what is asked of it is declared
/// here.
struct EnetCallbacks {
  void* (*allocate)(std::size_t bytes);
  void (*release)(void* memory);
  void (*no_memory)();
};
extern "C" unsigned enet_linked_version();
extern "C" int enet_initialize_with_callbacks(unsigned version, const EnetCallbacks* callbacks);

namespace tickwire::test {
namespace {

bool is_out_of_memory = false;

void* allocate(std::size_t bytes) {
  return is_out_of_memory ? nullptr : std::malloc(bytes);
}

/// Has ENet ask the function above, as long as it lives. What is to be done when there is no memory
/// stays as the transport has set it.
struct Shortage {
  Shortage() { set({allocate, std::free, nullptr}); }
  ~Shortage() { set({std::malloc, std::free, nullptr}); }
  Shortage(const Shortage&) = delete;
  Shortage& operator=(const Shortage&) = delete;

  static void set(const EnetCallbacks& callbacks) {
    REQUIRE(enet_initialize_with_callbacks(enet_linked_version(), &callbacks) == 0);
  }
  static void send_in_vain(RecordingLink& link) {
    is_out_of_memory = true;
    link.send("for the first");
    is_out_of_memory = false;
  }
};

TEST_CASE("enet: a link that memory ran out for has nothing to do with the next in its slot") {
  EnetPair pair;
  const auto [first, there] = pair.connect();
  const Shortage shortage;
  Shortage::send_in_vain(*there);
  RecordingLink& second = pair.client.dial(pair.address.to_string());
  int downs_before = 0;
  pair.server.when_incoming = [&, end = there](RecordingLink&) { downs_before = end->downs; };
  REQUIRE(pair.run_until([&] { return second.ups == 1 && pair.server.accepted.size() == 2; }));
  REQUIRE(downs_before == 1);
  CHECK(there->down->code == ErrorCode::out_of_resources);
  there->send("for the first");
  pair.run(20ms);
  CHECK(second.arrived.empty());
  there->link.reset();
  pair.run(20ms);
  CHECK(second.downs == 0);
}

TEST_CASE("enet: a link whose end there is no memory to tell of has nothing to do with the next") {
  for (int n = 1; n < 6; ++n) {
    CAPTURE(n);
    EnetPair pair;
    const auto [first, there] = pair.connect();
    first->link.reset();
    pair.client.flush();
    {
      pair.clock.advance(1ms);
      pair.server.poller.wait(Duration::zero());
      const FailingAllocation failing(n);
      pair.server.transport->service(pair.clock.now());
      pair.server.flush();
    }
    CHECK(there->downs == 1);
    RecordingLink& second = pair.client.dial(pair.address.to_string());
    REQUIRE(pair.run_until([&] { return second.ups == 1 && pair.server.accepted.size() == 2; }));
    there->send("for the first");
    there->link.reset();
    pair.run(20ms);
    CHECK(second.arrived.empty());
    CHECK(second.downs == 0);
  }
}

TEST_CASE("enet: a link that memory runs out for in a pass ends before the next datagram is read") {
  EnetPair pair;
  const auto [first, there] = pair.connect();
  const Shortage shortage;
  RawSocket next;
  const std::uint32_t cookie = fetch_cookie(next, pair.address.port, [&] { pair.step(); });
  there->when_packet = [end = there] { Shortage::send_in_vain(*end); };
  first->send("answer this");
  pair.client.flush();
  next.send(pair.address.port, ConnectDatagram{.data = cookie}.bytes());
  pair.server.service();
  REQUIRE(there->downs == 1);
  CHECK(there->down->code == ErrorCode::out_of_resources);
}

}  // namespace
}  // namespace tickwire::test
