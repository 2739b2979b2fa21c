// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <netinet/udp.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/transport/enet/datagram_batch.hpp"
#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

/// Datagrams that leave together: what arrives, and how many calls of the system it takes.
namespace tickwire::test {
namespace {

using detail::DatagramBatch;
using detail::Ipv4Endpoint;

using Sizes = std::vector<std::size_t>;

Ipv4Endpoint on_loopback(std::uint16_t port) {
  return {htonl(INADDR_LOOPBACK), port};
}

// A socket with this reads in one piece what its sender's system has not cut up yet.
void read_uncut(int socket) {
  const int on = 1;
  REQUIRE(::setsockopt(socket, SOL_UDP, UDP_GRO, &on, sizeof on) == 0);
}

// The system sends nothing in batches through a socket with this, and cuts up nothing.
void send_uncut(int socket) {
  const int on = 1;
  REQUIRE(::setsockopt(socket, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
}

// Each with bytes that tell it from the others.
void fill(DatagramBatch& batch, const Sizes& sizes) {
  for (const std::size_t size : sizes) {
    REQUIRE(batch.has_room(size));
    const auto mark = static_cast<std::byte>(batch.datagrams() + 1);
    std::ranges::fill(batch.add(size), mark);
  }
}

std::vector<Datagram> all_from(const RawSocket& socket) {
  std::vector<Datagram> all;
  while (auto in = socket.receive())
    all.push_back(std::move(in->first));
  return all;
}

Sizes sizes_of(const std::vector<Datagram>& datagrams) {
  Sizes sizes;
  for (const Datagram& each : datagrams)
    sizes.push_back(each.size());
  return sizes;
}

TEST_CASE("datagram batch: each arrives as it was put in, whatever the sizes around it") {
  RawSocket from;
  const RawSocket to;
  DatagramBatch batch;
  for (const Sizes& sizes : {Sizes{1}, Sizes{100, 100, 100}, Sizes{100, 100, 7},
                             Sizes{7, 100, 100, 80, 100, 1, 1, 2000, 3}, Sizes(64, 50)}) {
    fill(batch, sizes);
    const auto sent = batch.send(from.handle(), on_loopback(to.port()));
    CHECK(sent.failures == 0);
    CHECK_FALSE(sent.only_one_by_one);
    CHECK(batch.datagrams() == 0);
    const auto arrived = all_from(to);
    REQUIRE(sizes_of(arrived) == sizes);
    for (std::size_t i = 0; i < arrived.size(); ++i)
      CHECK(arrived[i] == Datagram(sizes[i], static_cast<std::uint8_t>(i + 1)));
  }
}

TEST_CASE("datagram batch: those of one size leave in one call, and a shorter one with them") {
  RawSocket from;
  const RawSocket to;
  read_uncut(to.handle());
  DatagramBatch batch;
  fill(batch, {100, 100, 100, 40, 100, 100, 200, 200, 200, 200});
  CHECK(batch.send(from.handle(), on_loopback(to.port())).failures == 0);
  CHECK(sizes_of(all_from(to)) == Sizes{340, 200, 800});
}

TEST_CASE("datagram batch: has room for what one call takes") {
  RawSocket from;
  const RawSocket to;
  read_uncut(to.handle());
  DatagramBatch batch;
  fill(batch, Sizes(64, 1));
  CHECK_FALSE(batch.has_room(1));
  CHECK(batch.send(from.handle(), on_loopback(to.port())).failures == 0);
  CHECK(sizes_of(all_from(to)) == Sizes{64});

  fill(batch, Sizes(16, 4092));
  CHECK_FALSE(batch.has_room(4092));
  CHECK(batch.has_room(65'507 - 16 * 4092));
  CHECK(batch.send(from.handle(), on_loopback(to.port())).failures == 0);
  CHECK(sizes_of(all_from(to)) == Sizes{16 * 4092});
}

TEST_CASE(
    "datagram batch: what is a little smaller than the one before is filled up, and leaves with "
    "it") {
  RawSocket from;
  const RawSocket to;
  DatagramBatch batch;
  const auto send = [&] {
    for (const std::size_t size : Sizes{800, 700, 799, 699, 801, 701}) {
      const auto room = batch.add(size);
      std::ranges::fill(room.first(size), std::byte{1});
    }
    CHECK(batch.send(from.handle(), on_loopback(to.port())).failures == 0);
  };
  send();
  const auto arrived = all_from(to);
  REQUIRE(sizes_of(arrived) == Sizes{800, 800, 800, 699, 801, 801});
  Datagram second(700, 1);
  second.resize(800);
  CHECK(arrived[1] == second);
  read_uncut(to.handle());
  send();
  CHECK(sizes_of(all_from(to)) == Sizes{3 * 800 + 699, 2 * 801});
}

TEST_CASE("datagram batch: what the system does not take together is sent one by one") {
  RawSocket from;
  send_uncut(from.handle());
  const RawSocket to;
  DatagramBatch batch;
  const Sizes sizes{100, 100, 40, 100};
  fill(batch, sizes);
  const auto sent = batch.send(from.handle(), on_loopback(to.port()));
  CHECK(sent.failures == 0);
  CHECK(sent.only_one_by_one);
  CHECK(sizes_of(all_from(to)) == sizes);
}

TEST_CASE("datagram batch: what is not sent at all is counted and forgotten") {
  RawSocket from;
  const Ipv4Endpoint nowhere{};  // its port is 0
  DatagramBatch batch;
  fill(batch, {100, 100, 100, 50, 50});
  const auto sent = batch.send(from.handle(), nowhere);
  CHECK(sent.failures == 5);
  CHECK_FALSE(sent.only_one_by_one);
  CHECK(batch.datagrams() == 0);
}

TEST_CASE("datagram batch: only a socket that knows how is asked to cut up") {
  const RawSocket udp;
  CHECK(detail::can_send_segmented(udp.handle()));
  const int tcp = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(tcp >= 0);
  CHECK_FALSE(detail::can_send_segmented(tcp));
  close(tcp);
}

constexpr std::size_t kPackets = 7;  // of a first window

/// A link whose caller sends, and the sockets of both ends.
struct Talk {
  explicit Talk(bool segmentation_offload = true)
      : client{make_enet([=](detail::TransportContext& context) {
                 context.enet.segmentation_offload = segmentation_offload;
               }),
               pair.clock,
               {}} {
    caller = &client.dial(pair.address.to_string());
    const auto is_up = [this] { return caller->ups == 1 && pair.server.accepted.size() == 1; };
    REQUIRE(wait_until([this] { step(); }, is_up));
    callee = pair.server.accepted[0].get();
    for (int i = 0; i < 20; ++i)
      step();
    from = static_cast<int>(client.poller.sockets().at(0));
    to = static_cast<int>(pair.server.poller.sockets().at(0));
  }

  void step() {
    client.service();
    client.flush();
    pair.step();
  }
  /// Packets that fill datagrams.
  void say(std::size_t packets) {
    for (std::size_t i = 0; i < packets; ++i)
      caller->send(noise(caller->link->traits().max_packet_bytes, static_cast<std::uint32_t>(i)));
    client.flush();
  }
  /// What a read of the listener's socket brings; 0: nothing.
  [[nodiscard]] std::size_t read() const {
    Datagram bytes(65'536);
    const auto got = ::recv(to, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }

  EnetPair pair;
  TransportHost client;
  RecordingLink* caller = nullptr;
  RecordingLink* callee = nullptr;
  int from = -1;
  int to = -1;
};

TEST_CASE("enet: what one pass sends to a peer leaves in one call") {
  Talk talk;
  read_uncut(talk.to);
  talk.say(kPackets);
  CHECK(talk.read() > 2 * kProbeBytes);
}

TEST_CASE("enet: packets of many sizes leave in few calls, and arrive as they were") {
  Talk talk;
  const std::size_t full = talk.caller->link->traits().max_packet_bytes;
  const auto text = [&](std::uint32_t i) { return noise(full - i * 37 % 400, i); };
  const auto say = [&] {
    for (std::uint32_t i = 0; i < kPackets; ++i)
      talk.caller->send(text(i));
    talk.client.flush();
  };
  say();
  REQUIRE(
      wait_until([&] { talk.step(); }, [&] { return talk.callee->arrived.size() == kPackets; }));
  for (std::uint32_t i = 0; i < kPackets; ++i)
    CHECK(talk.callee->texts()[i] == text(i));
  CHECK(talk.pair.server.transport->counters().malformed_datagrams == 0);
  for (int i = 0; i < 20; ++i)
    talk.step();
  read_uncut(talk.to);
  say();
  CHECK(talk.read() > 2 * kProbeBytes);
}

TEST_CASE("enet: a host whose system shall not cut up sends datagrams one by one") {
  Talk talk(false);
  read_uncut(talk.to);
  talk.say(kPackets);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t bytes = talk.read();
    CHECK(bytes > 0);
    CHECK(bytes <= kProbeBytes);
  }
}

TEST_CASE("enet: where the system does not cut up, everything arrives all the same, and at once") {
  Talk talk;
  send_uncut(talk.from);
  for (std::size_t round = 1; round <= 3; ++round) {
    talk.say(kPackets);
    const TimePoint before = talk.pair.clock.now();
    REQUIRE(wait_until([&] { talk.step(); },
                       [&] { return talk.callee->arrived.size() == round * kPackets; }));
    CHECK(talk.pair.clock.now() - before <= 10ms);  // nothing had to be sent again
  }
  for (std::size_t i = 0; i < talk.callee->arrived.size(); ++i)
    CHECK(talk.callee->texts()[i] == noise(talk.caller->link->traits().max_packet_bytes,
                                           static_cast<std::uint32_t>(i % kPackets)));
}

}  // namespace
}  // namespace tickwire::test
