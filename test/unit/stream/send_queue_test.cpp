// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <memory_resource>
#include <string>

#include "lib/base/bytes.hpp"
#include "lib/transport/stream/send_queue.hpp"

/// Packets that leave in writes of any size.
using namespace tickwire;
using detail::Packet;
using detail::PoolOwner;
using detail::SendQueue;

namespace {

struct Queue {
  void push(std::string_view text) {
    Packet packet(*pool, text.size());
    packet.append(detail::as_bytes(text));
    queue.push(std::move(packet));
  }
  /// What a write of at most so many bytes takes.
  std::string take(std::size_t most) {
    std::array<std::span<const std::byte>, SendQueue::kMaxPieces> pieces;
    const std::size_t count = queue.gather(pieces);
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
      all += detail::as_text(pieces[i]);
    all.resize(std::min(all.size(), most));
    queue.consume(all.size());
    return all;
  }

  PoolOwner pool{std::pmr::get_default_resource()};
  SendQueue queue;
};

}  // namespace

TEST_CASE("what a stream takes in any portions is what was queued") {
  for (std::size_t portion = 1; portion < 40; ++portion) {
    INFO("portions of " << portion);
    Queue sending;
    std::string expected;
    for (int i = 0; i < 200; ++i) {
      sending.push(std::to_string(i * i));
      expected += std::to_string(i * i);
    }
    CHECK(sending.queue.bytes() == expected.size());
    std::string taken;
    while (!sending.queue.empty())
      taken += sending.take(portion);
    CHECK(taken == expected);
    CHECK(sending.queue.bytes() == 0);
  }
}

TEST_CASE("one write gathers 64 packets and no more") {
  Queue sending;
  for (int i = 0; i < 100; ++i)
    sending.push("x");
  CHECK(sending.take(1000).size() == SendQueue::kMaxPieces);
  CHECK(sending.take(1000).size() == 100 - SendQueue::kMaxPieces);
  CHECK(sending.queue.empty());
}

TEST_CASE("a queue that is cleared is empty") {
  Queue sending;
  sending.push("abc");
  CHECK(sending.take(2) == "ab");
  sending.queue.clear();
  CHECK(sending.queue.empty());
  CHECK(sending.queue.bytes() == 0);
  sending.push("d");
  CHECK(sending.take(5) == "d");
}
