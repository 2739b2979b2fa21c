// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/platform/random.hpp"
#include "lib/transport/enet/acknowledgement_watch.hpp"
#include "lib/transport/enet/crc32.hpp"
#include "lib/transport/enet/send_ledger.hpp"
#include "test/support/counting_resource.hpp"

namespace tickwire::test {
namespace {

using namespace detail;
using namespace std::chrono_literals;

std::uint32_t crc_of(std::string_view text) {
  Crc32 crc;
  crc.add(std::as_bytes(std::span(text)));
  return crc.value();
}

// In two pieces; nothing where it does not serve.
std::optional<std::uint32_t> short_crc_of(std::span<const std::byte> bytes, std::size_t cut) {
  if (!ShortCrc32::serves(bytes.size())) return std::nullopt;
  ShortCrc32 crc(bytes.size());
  crc.add(bytes.first(cut));
  crc.add(bytes.subspan(cut));
  return crc.value();
}

TEST_CASE("crc32: the values that everybody gets") {
  CHECK(crc_of("") == 0);
  CHECK(crc_of("a") == 0xe8b7be43u);
  CHECK(crc_of("123456789") == 0xcbf43926u);
  CHECK(crc_of("The quick brown fox jumps over the lazy dog") == 0x414fa339u);
}

TEST_CASE("crc32: short datagrams are served where the processor folds, and no others") {
  CHECK_FALSE(ShortCrc32::serves(3));
  CHECK(ShortCrc32::serves(4) == folds_crc32());
  CHECK(ShortCrc32::serves(256) == folds_crc32());
  CHECK_FALSE(ShortCrc32::serves(257));
}

TEST_CASE("crc32: how the bytes are cut up makes no difference") {
  std::vector<std::byte> bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 37 + 11);
  Crc32 whole;
  whole.add(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Crc32 parts;
    parts.add(std::span(bytes).first(cut));
    parts.add(std::span(bytes).subspan(cut));
    CHECK(parts.value() == whole.value());
  }
}

TEST_CASE("crc32: every length from anywhere is what the definition gives") {
  std::vector<std::byte> bytes(1500);
  std::uint32_t random = 1;
  for (std::byte& each : bytes) {
    random = random * 1664525u + 1013904223u;
    each = static_cast<std::byte>(random >> 24);
  }
  for (std::size_t from = 0; from < 3; ++from) {
    std::uint32_t state = 0xffffffffu;
    for (std::size_t size = 0; from + size < bytes.size(); ++size) {
      const auto all = std::span(bytes).subspan(from, size);
      Crc32 crc;
      crc.add(all);
      REQUIRE(crc.value() == ~state);
      REQUIRE(short_crc_of(all, size / 3).value_or(~state) == ~state);
      state ^= std::to_integer<std::uint32_t>(bytes[from + size]);
      for (int bit = 0; bit < 8; ++bit)
        state = state >> 1 ^ (0xedb88320u & (0u - (state & 1u)));
    }
  }
}

struct LedgerRig {
  SendLedger::Record& open(SendLedger::Account& account, std::size_t cost,
                           SendLedger::Kind kind = SendLedger::Kind::reliable) {
    return ledger.open((*pool).allocate(100), account, cost, kind);
  }

  CountingResource memory;
  PoolOwner pool{&memory};
  SendLedger ledger;
  SendLedger::Account first;
  SendLedger::Account second;
};

TEST_CASE("send ledger: accounts are paid back, and records are used again") {
  LedgerRig rig;
  auto& a = rig.open(rig.first, 164);
  auto& b = rig.open(rig.second, 64);
  CHECK(rig.first.reliable_bytes == 164);
  CHECK(rig.second.reliable_bytes == 64);
  CHECK(rig.ledger.total_bytes() == 228);
  SendLedger::close(a);
  CHECK(rig.first.reliable_bytes == 0);
  CHECK(rig.ledger.total_bytes() == 64);
  auto& c = rig.open(rig.first, 10);
  CHECK(&c == &a);
  SendLedger::close(b);
  SendLedger::close(c);
  CHECK(rig.ledger.total_bytes() == 0);
}

TEST_CASE("send ledger: what was sent behind a missing packet costs until that one is there") {
  LedgerRig rig;
  auto& missing = rig.open(rig.first, 100);
  auto& behind = rig.open(rig.first, 10);
  auto& last = rig.open(rig.first, 1);
  auto& other = rig.open(rig.second, 1000);
  auto& datagram = rig.open(rig.first, 10000, SendLedger::Kind::datagram);
  CHECK(rig.first.datagram_bytes == 10000);
  SendLedger::close(last);
  SendLedger::close(behind);
  SendLedger::close(datagram);
  SendLedger::close(other);
  CHECK(rig.first.paid_back_bytes == 0);
  CHECK(rig.second.paid_back_bytes == 1000);
  CHECK(rig.first.reliable_bytes == 111);
  CHECK(rig.first.reliable_packets == 3);
  CHECK(rig.first.closed_packets == 2);
  CHECK(rig.first.datagram_bytes == 0);
  CHECK(rig.second.reliable_bytes == 0);
  SendLedger::close(missing);
  CHECK(rig.first.reliable_bytes == 0);
  CHECK(rig.first.reliable_packets == 0);
  CHECK(rig.first.closed_packets == 3);
  CHECK(rig.first.paid_back_bytes == 111);
  SendLedger::close(rig.open(rig.first, 5));
  CHECK(rig.ledger.total_bytes() == 0);
}

TEST_CASE("send ledger: control packets cost what is theirs, and are paid back in order, too") {
  LedgerRig rig;
  auto& missing = rig.open(rig.first, 100);
  auto& control = rig.open(rig.first, 10, SendLedger::Kind::control);
  CHECK(rig.first.reliable_bytes == 100);
  CHECK(rig.first.control_bytes == 10);
  CHECK(rig.first.reliable_packets == 2);
  SendLedger::close(control);
  CHECK(rig.first.control_bytes == 10);
  CHECK(rig.first.paid_back_packets == 0);
  SendLedger::close(missing);
  CHECK(rig.first.control_bytes == 0);
  CHECK(rig.first.reliable_bytes == 0);
  CHECK(rig.first.paid_back_packets == 2);
  CHECK(rig.first.paid_back_bytes == 110);
  CHECK(rig.ledger.total_bytes() == 0);
}

TEST_CASE("acknowledgement watch: what is acknowledged out of turn has time, nothing has less") {
  LedgerRig rig;
  AcknowledgementWatch watch;
  TimePoint now{1000s};
  const auto over_after = [&](Duration time) { return watch.is_over(rig.first, now += time, 10s); };
  watch.begin(rig.first, now);
  CHECK_FALSE(over_after(1h));  // nothing is on its way
  auto& oldest = rig.open(rig.first, 1);
  CHECK_FALSE(over_after(9s));
  for (int i = 0; i < 7; ++i) {
    SendLedger::close(rig.open(rig.first, 1));
    CHECK_FALSE(over_after(9s));
  }
  SUBCASE("it was the oldest's turn at last") {
    SendLedger::close(oldest);
    CHECK_FALSE(over_after(1h));
    rig.open(rig.first, 1);
    CHECK_FALSE(over_after(9999ms));
    CHECK(over_after(1ms));
  }
  SUBCASE("the oldest still waits") {
    SendLedger::close(rig.open(rig.first, 1));
    CHECK_FALSE(over_after(7s));
    CHECK(over_after(1s));
  }
  SUBCASE("nothing comes any more") {
    CHECK(over_after(10s));
  }
}

TEST_CASE("send ledger: blocks go home at once") {
  CountingResource memory;
  SendLedger ledger;
  SendLedger::Account account;
  {
    PoolOwner pool(&memory);
    const auto large = std::size_t{5} * 1024 * 1024;  // beyond the pool's classes
    auto& missing = ledger.open((*pool).allocate(10), account, 1, SendLedger::Kind::reliable);
    const std::size_t before = memory.blocks_out();
    auto& behind = ledger.open((*pool).allocate(large), account, 1, SendLedger::Kind::reliable);
    CHECK(memory.blocks_out() == before + 1);
    SendLedger::close(behind);
    CHECK(memory.blocks_out() == before);
    SendLedger::close(missing);
  }
  CHECK(memory.blocks_out() == 0);
}

TEST_CASE("random: bytes of any number, and no two alike") {
  std::vector<std::byte> first(1000);
  std::vector<std::byte> second(1000);
  REQUIRE(fill_random(first));
  REQUIRE(fill_random(second));
  CHECK(first != second);
  CHECK(fill_random({}));
  std::vector<bool> seen(256);
  for (const std::byte each : first)
    seen[std::to_integer<std::size_t>(each)] = true;
  CHECK(std::count(seen.begin(), seen.end(), true) > 200);  // 251 are to be expected
}

}  // namespace
}  // namespace tickwire::test
