// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/transport/enet/enet_datagram.hpp"

namespace tickwire::test {
namespace {

using detail::DatagramKind;
using detail::inspect_datagram;
using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes first(std::size_t size, const Bytes& bytes) {
  return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
}

// In memory of its own size, so that a sanitizer sees a byte too many.
DatagramKind kind_of(const Bytes& datagram) {
  const Bytes exact(datagram.begin(), datagram.end());
  const auto bytes = std::as_bytes(std::span(exact));
  const DatagramKind kind = inspect_datagram(bytes).kind;
  if (kind == DatagramKind::traffic) {
    std::array<detail::NumberedCommand, detail::kMaxCommands> numbers;
    CHECK(detail::read_numbers(bytes, numbers) <= numbers.size());
  }
  return kind;
}

const Bytes kTimed = {0x80, 0x03, 0x12, 0x34, 1, 2, 3, 4};  // to slot 3, time, checksum
const Bytes kUntimed = {0x00, 0x03, 1, 2, 3, 4};
const Bytes kAcknowledge = {0x01, 0, 0, 1, 0, 1, 0x12, 0x34};
const Bytes kPing = {0x85, 0xff, 0, 1};
const Bytes kDisconnect = {0x84, 0xff, 0, 1, 0, 0, 0, 1};
const Bytes kReliable = {0x86, 0, 0, 1, 0, 3, 'a', 'b', 'c'};
const Bytes kUnsequenced = {0x49, 0, 0, 0, 0, 1, 0, 2, 'a', 'b'};

// A CONNECT as an ENet of ours sends it.
Bytes connect() {
  Bytes bytes = {0x8f, 0xff, 0x12, 0x34, 1, 2, 3, 4};
  bytes = bytes + Bytes{0x82, 0xff, 0, 1, 0, 0, 0xff, 0xff};
  bytes = bytes + Bytes{0, 0, 0x05, 0x50};  // MTU 1,360
  bytes = bytes + Bytes{0, 1, 0, 0};        // window 65,536
  bytes = bytes + Bytes{0, 0, 0, 9};        // channels
  bytes = bytes + Bytes(8);                 // no bandwidth limits
  bytes = bytes + Bytes{0, 0, 0x13, 0x88, 0, 0, 0, 2, 0, 0, 0, 2};
  bytes = bytes + Bytes{0xaa, 0xbb, 0xcc, 0xdd};  // id
  return bytes + Bytes{0xde, 0xad, 0xbe, 0xef};   // data
}

Bytes connect_with(std::size_t at, const Bytes& changed) {
  Bytes bytes = connect();
  std::copy(changed.begin(), changed.end(), bytes.begin() + static_cast<std::ptrdiff_t>(8 + at));
  return bytes;
}

TEST_CASE("enet datagram: what a peer of ours sends passes") {
  CHECK(kind_of(kTimed + kPing) == DatagramKind::traffic);
  CHECK(kind_of(kUntimed + kAcknowledge) == DatagramKind::traffic);
  CHECK(kind_of(kTimed + kAcknowledge + kReliable + kUnsequenced) == DatagramKind::traffic);
  CHECK(kind_of(kTimed + kDisconnect) == DatagramKind::traffic);
  CHECK(kind_of(Bytes{0xb0, 0x03, 0x12, 0x34, 1, 2, 3, 4} + kPing) == DatagramKind::traffic);
  const Bytes empty_datagram = {0x49, 0, 0, 0, 0, 1, 0, 0};
  CHECK(kind_of(kTimed + empty_datagram) == DatagramKind::traffic);
}

TEST_CASE("enet datagram: an empty reliable packet, which no limit would count, is refused") {
  const Bytes empty_packet = {0x86, 0, 0, 1, 0, 0};
  CHECK(kind_of(kTimed + empty_packet) == DatagramKind::malformed);
  CHECK(kind_of(kTimed + kPing + empty_packet) == DatagramKind::malformed);
}

TEST_CASE("enet datagram: the numbers in it are read, up to the padding") {
  using detail::NumberedCommand;
  const auto numbers = [](const Bytes& datagram) {
    std::array<NumberedCommand, detail::kMaxCommands> all;
    const std::size_t count = detail::read_numbers(std::as_bytes(std::span(datagram)), all);
    return std::vector<NumberedCommand>(all.begin(), all.begin() + count);
  };
  const Bytes reliable = {0x86, 7, 0x12, 0x34, 0, 1, 'a'};
  const Bytes acknowledge = {0x01, 5, 0, 9, 0x56, 0x78, 0, 0};
  for (const Bytes& header : {kTimed, kUntimed}) {
    const auto all = numbers(header + kPing + reliable + kUnsequenced + acknowledge + Bytes(9));
    REQUIRE(all.size() == 2);
    CHECK(all[0].kind == NumberedCommand::Kind::reliable);
    CHECK(all[0].channel == 7);
    CHECK(all[0].number == 0x1234);
    CHECK(all[1].kind == NumberedCommand::Kind::acknowledgement);
    CHECK(all[1].channel == 5);
    CHECK(all[1].number == 0x5678);
  }
  Bytes most = kTimed;
  for (std::size_t i = 0; i < detail::kMaxCommands; ++i)
    most = most + reliable;
  CHECK(numbers(most).size() == detail::kMaxCommands);
}

TEST_CASE("enet datagram: what asks for an acknowledgement says when it was sent") {
  for (const Bytes& each : {kPing, kDisconnect, kReliable, Bytes{0xc9, 0, 0, 0, 0, 1, 0, 0}}) {
    CHECK(kind_of(kTimed + each) == DatagramKind::traffic);
    CHECK(kind_of(kUntimed + each) == DatagramKind::malformed);
    CHECK(kind_of(kUntimed + kAcknowledge + each) == DatagramKind::malformed);
  }
  const Bytes last_word = {0x44, 0xff, 0, 0, 0, 0, 0, 2};  // asks for none
  CHECK(kind_of(kUntimed + last_word) == DatagramKind::traffic);
  CHECK(kind_of(kUntimed + kAcknowledge + kUnsequenced + last_word) == DatagramKind::traffic);
}

TEST_CASE("enet datagram: zeros may follow the last command, and nothing else") {
  for (const std::size_t zeros : {1u, 3u, 4u, 100u})
    CHECK(kind_of(kTimed + kReliable + Bytes(zeros)) == DatagramKind::traffic);
  CHECK(kind_of(kTimed + kReliable + Bytes(100) + Bytes{1}) == DatagramKind::malformed);
  CHECK(kind_of(kTimed + kReliable + Bytes(100) + kPing) == DatagramKind::malformed);
  CHECK(kind_of(kTimed + Bytes(100)) == DatagramKind::malformed);
  Bytes many = kTimed;
  for (int i = 0; i < 32; ++i)
    many = many + kPing;
  CHECK(kind_of(many + Bytes(8)) == DatagramKind::traffic);
  CHECK(kind_of(many + kPing) == DatagramKind::malformed);
}

TEST_CASE("enet datagram: a CONNECT passes with its data") {
  const Bytes bytes = connect();
  const auto verdict = inspect_datagram(std::as_bytes(std::span(bytes)));
  CHECK(verdict.kind == DatagramKind::connect);
  CHECK(verdict.connect_data == 0xdeadbeef);
  CHECK(verdict.connect_id == 0xaabbccdd);
  CHECK(kind_of(connect_with(6, {3, 0})) == DatagramKind::connect);              // ids used before
  CHECK(kind_of(connect_with(8, {0, 0, 0x05, 0x00})) == DatagramKind::connect);  // 1,280
  CHECK(kind_of(connect_with(8, {0, 0, 0x0f, 0xf8})) == DatagramKind::connect);  // 4,088
  CHECK(kind_of(connect_with(16, {0, 0, 0, 1})) == DatagramKind::connect);
  CHECK(kind_of(connect_with(16, {0, 0, 0, 65})) == DatagramKind::connect);
}

TEST_CASE("enet datagram: a CONNECT that none of ours would send is refused") {
  const auto refused = [](const Bytes& bytes) { return kind_of(bytes) == DatagramKind::malformed; };
  CHECK(refused(connect_with(8, {0, 0, 0x04, 0xff})));  // MTU 1,279
  CHECK(refused(connect_with(8, {0, 0, 0x02, 0x40})));  // 576
  CHECK(refused(connect_with(8, {0, 0, 0x0f, 0xf9})));  // 4,089
  CHECK(refused(connect_with(8, {0xff, 0xff, 0xff, 0xff})));
  CHECK(refused(connect_with(12, {0, 0, 0x0f, 0xff})));  // window 4,095
  CHECK(refused(connect_with(12, {0, 1, 0, 1})));        // 65,537
  CHECK(refused(connect_with(16, {0, 0, 0, 0})));        // channels
  CHECK(refused(connect_with(16, {0, 0, 0, 66})));
  CHECK(refused(connect_with(20, {0, 0, 0, 1})));  // bandwidths
  CHECK(refused(connect_with(24, {1, 0, 0, 0})));
  CHECK(refused(connect_with(0, {0x02})));  // wants no acknowledgement
  CHECK(refused(connect_with(0, {0xc2})));
  CHECK(refused(connect_with(1, {0x00})));        // not on the connection's own channel
  CHECK(refused(connect_with(4, {0x0f, 0xff})));  // its own slot out of range
  CHECK(refused(connect_with(4, {0xff, 0xff})));
  CHECK(refused(connect_with(6, {4})));  // session ids
  CHECK(refused(connect_with(7, {0xfe})));
  CHECK(refused(connect() + Bytes{0}));
  CHECK(refused(connect() + kPing));
  Bytes untimed = connect();
  untimed[0] = 0x0f;
  CHECK(refused(untimed));
  untimed.erase(untimed.begin() + 2, untimed.begin() + 4);
  CHECK(refused(untimed));
  for (std::size_t size = 0; size < connect().size(); ++size) {
    INFO("size " << size);
    CHECK(refused(first(size, connect())));
  }
}

TEST_CASE(
    "enet datagram: a CONNECT within a connection, or anything else without one, is refused") {
  const Bytes whole = connect();
  const Bytes command(whole.begin() + 8, whole.end());
  CHECK(kind_of(kTimed + command) == DatagramKind::malformed);
  const Bytes unassigned = {0x8f, 0xff, 0x12, 0x34, 1, 2, 3, 4};
  CHECK(kind_of(unassigned + kPing) == DatagramKind::malformed);
  CHECK(kind_of(unassigned + kDisconnect) == DatagramKind::malformed);
  CHECK(kind_of(unassigned) == DatagramKind::malformed);
}

TEST_CASE("enet datagram: commands that we never send are refused") {
  const Bytes rest(24);
  const Bytes foreign = {0x00, 0x07, 0x08, 0x88, 0x0a, 0x8a, 0x0b, 0x8b, 0x0c, 0x0d, 0x0e, 0x0f};
  for (const std::uint8_t command : foreign) {
    INFO("command " << int{command});
    CHECK(kind_of(kTimed + Bytes{command} + rest) == DatagramKind::malformed);
    // Behind another command zeros alone are padding.
    const auto behind = command == 0 ? DatagramKind::traffic : DatagramKind::malformed;
    CHECK(kind_of(kTimed + kPing + Bytes{command} + rest) == behind);
  }
  Bytes compressed = kTimed + kPing;
  compressed[0] |= 0x40;
  CHECK(kind_of(compressed) == DatagramKind::malformed);
}

TEST_CASE("enet datagram: a command that is cut short or too large is refused") {
  const Bytes all = kTimed + kAcknowledge + kReliable + kUnsequenced;
  std::vector<std::size_t> whole = {16, 25, 35};
  for (std::size_t size = 0; size <= all.size(); ++size) {
    INFO("size " << size);
    const bool ends_well = std::find(whole.begin(), whole.end(), size) != whole.end();
    CHECK((kind_of(first(size, all)) == DatagramKind::traffic) == ends_well);
  }
  const auto reliable = [](std::size_t size) {
    const Bytes head = {
        0x86, 0, 0, 1, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    return kTimed + head + Bytes(size);
  };
  CHECK(kind_of(reliable(4056)) == DatagramKind::traffic);
  CHECK(kind_of(reliable(4057)) == DatagramKind::malformed);
}

TEST_CASE("enet datagram: more commands than ENet packs into one are refused") {
  Bytes most = kTimed;
  for (int i = 0; i < 32; ++i)
    most = most + kPing;
  CHECK(kind_of(most) == DatagramKind::traffic);
  CHECK(kind_of(most + kPing) == DatagramKind::malformed);
}

TEST_CASE("enet datagram: any bytes are read within their bounds") {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    INFO("seed " << seed);
    std::uint32_t state = seed;
    const auto next = [&] { return state = state * 1664525u + 1013904223u, state >> 8; };
    std::size_t passed = 0;
    for (int i = 0; i < 20000; ++i) {
      Bytes bytes = i % 2 == 0 ? kTimed + kReliable + kAcknowledge : connect();
      for (std::uint32_t change = next() % 6; change > 0; --change)
        bytes[next() % bytes.size()] = static_cast<std::uint8_t>(next());
      if (i % 3 == 0) bytes.resize(next() % (bytes.size() + 1));
      if (kind_of(bytes) != DatagramKind::malformed) ++passed;
    }
    CHECK(passed > 0);
    CHECK(passed < 20000);
  }
}

}  // namespace
}  // namespace tickwire::test
