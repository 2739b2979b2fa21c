// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "test/fuzz/handshake_fuzz.hpp"
#include "test/fuzz/session_fuzz.hpp"
#include "test/support/packet_kit.hpp"
#include "test/support/session_traffic.hpp"

/// The fuzz target as an ordinary test: the corpus, and a great many inputs made of real traffic.
using namespace tickwire;
using test::Bytes;
using test::Dice;
using test::FuzzStep;

namespace {

#ifndef TICKWIRE_FUZZ_CORPUS
#define TICKWIRE_FUZZ_CORPUS ""
#endif

using Input = std::vector<std::uint8_t>;

/// Where a target's corpus is: below the place that the build names, or beside this file.
std::filesystem::path corpus(const std::string& target) {
  const std::filesystem::path named = TICKWIRE_FUZZ_CORPUS;
  const auto here = std::filesystem::path(__FILE__).parent_path() / "corpus";
  return (named.empty() ? here : named) / target;
}

using Target = void (*)(std::span<const std::uint8_t>);

/// What goes wrong with an input; empty when nothing does.
std::string fault(const Input& input, Target target = test::fuzz_session) {
  try {
    target(input);
  } catch (const test::BrokenPromise& broken) {
    return broken.what();
  }
  return {};
}

/// Packets of every kind, as a well-behaved peer sends them.
std::vector<Bytes> good_packets() {
  using detail::wire::PacketLane;
  using test::ByteKit;
  const auto control = [] { return test::control_packet(); };
  return {
      control().record(0x10, ByteKit()
                                 .text("TKIW")
                                 .u8(2)
                                 .u8(2)
                                 .block("fuzz")
                                 .block("")
                                 .u32(1 << 17)
                                 .u32(20'000)
                                 .u8(4)
                                 .u16(1)
                                 .block("ann")),
      control().record(0x11, ByteKit().u8(2).u32(1 << 17).u32(20'000).u8(4)),
      control().record(0x12, ByteKit().u16(4005).u8(2).u8(2).block("a").block("b").block("no")),
      control().record(0x13, {}),
      control().record(0x14, ByteKit().text("opaque")),
      control().record(0x20, ByteKit().u16(1).block("bye").u8(0).u32(0)),
      control().record(0x21, {}),
      control().record(0x30, ByteKit().u8(0).u32(1).u8(1).u32(2)),
      control().record(0x31, ByteKit().u64(1 << 20)),
      control().record(0x32, ByteKit().u32(77)).record(0x33, Bytes(16)),
      control().record(0x34, ByteKit().u8(0)).record(0x35, ByteKit().u8(1)),
      control().record(0x9a, Bytes(9)),
      test::reliable_packet(0, 0).record(0x01, ByteKit().u32(5).text("object")),
      test::reliable_packet(0, 1).record(0x02, Bytes(50)).record(0x02, {}),
      test::reliable_packet(1, 0).record(0x03, ByteKit().u32(5).block("meta").text("object")),
      test::reliable_packet(1, 1).record(0x04, ByteKit().block("meta").text("bytes")),
      test::reliable_packet(2, 0).record(0x05, ByteKit().u8(2).u32(2000).bytes(Bytes(1000))),
      test::reliable_packet(2, 0).record(0x06, Bytes(1000)),
      test::data_packet(PacketLane::sequenced, 3, 0).record(0x01, ByteKit().u32(9).text("s")),
      test::data_packet(PacketLane::unreliable, 3, 0).record(0x02, ByteKit().text("u")),
      ByteKit().u8(5).u8(0).u16(0).u32(1).record(0x02, Bytes(3)),
  };
}

/// One packet, with some of its bytes changed, cut, doubled or put elsewhere.
Bytes mutated(Bytes packet, const std::vector<Bytes>& others, Dice& dice) {
  for (std::size_t times = dice.below(4); times > 0 && !packet.empty(); --times) {
    const auto place = static_cast<std::ptrdiff_t>(dice.below(packet.size()));
    const auto rest = static_cast<std::ptrdiff_t>(packet.size()) - place;
    switch (dice.below(6)) {
      case 0:
        packet[static_cast<std::size_t>(place)] = static_cast<std::byte>(dice.below(256));
        break;
      case 1:
        packet[static_cast<std::size_t>(place)] ^= static_cast<std::byte>(1u << dice.below(8));
        break;
      case 2:
        packet.resize(static_cast<std::size_t>(place));
        break;
      case 3:
        packet.insert(packet.begin() + place, dice.between(1, 40),
                      static_cast<std::byte>(dice.below(256)));
        break;
      case 4:
        packet.erase(packet.begin() + place,
                     packet.begin() + place + 1 +
                         static_cast<std::ptrdiff_t>(dice.below(static_cast<std::size_t>(rest))));
        break;
      default: {
        const Bytes& other = others[dice.below(others.size())];
        packet.insert(packet.end(), other.begin() + 4, other.end());
      }
    }
  }
  return packet;
}

Input random_input(const std::vector<Bytes>& good, Dice& dice) {
  Input input{static_cast<std::uint8_t>(dice.below(16))};
  for (std::size_t steps = dice.between(1, 12); steps > 0; --steps) {
    if (dice.one_in(3)) {
      input.push_back(static_cast<std::uint8_t>(
          dice.between(1, static_cast<std::size_t>(FuzzStep::count) - 1)));
      input.push_back(static_cast<std::uint8_t>(dice.below(256)));
    } else {
      test::append_packet_step(input, mutated(good[dice.below(good.size())], good, dice));
    }
  }
  return input;
}

}  // namespace

TEST_CASE("every input of the corpora leaves what reads it whole") {
  struct Named {
    std::string name;
    Target target;
  };
  for (const Named& each :
       {Named{"session", test::fuzz_session}, Named{"resume", test::fuzz_resume},
        Named{"handshake", test::fuzz_handshake}}) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(corpus(each.name)))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    CHECK(files.size() >= 6);
    for (const auto& path : files) {
      std::ifstream file(path, std::ios::binary);
      const Input input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
      INFO(each.name, "/", path.filename().string());
      CHECK(fault(input, each.target).empty());
    }
  }
}

TEST_CASE("two hundred thousand damaged packets leave the session whole") {
  const std::vector<Bytes> good = good_packets();
  constexpr std::uint64_t inputs = 50'000;  // of four packets and more on average
  for (std::uint64_t seed = 1; seed <= inputs; ++seed) {
    Dice dice(seed);
    const std::string said = fault(random_input(good, dice));
    INFO("seed ", seed, ": ", said);
    REQUIRE(said.empty());
  }
}

TEST_CASE("ten thousand damaged greetings are refused or read, and read the same twice") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    Dice dice(seed);
    const std::vector<Bytes> good = good_packets();
    // The body of one of the three greetings, behind its record's kind and length.
    const std::size_t which = dice.below(3);
    const Bytes& packet = good[which];
    const Bytes body = mutated({packet.begin() + 6, packet.end()}, good, dice);
    Input input{static_cast<std::uint8_t>(which)};
    for (const std::byte each : body)
      input.push_back(std::to_integer<std::uint8_t>(each));
    const std::string said = fault(input, test::fuzz_handshake);
    INFO("seed ", seed, ": ", said);
    REQUIRE(said.empty());
  }
}

TEST_CASE("a flood of the smallest messages stays within bounds") {
  Input input{6};
  for (std::uint16_t i = 0; i < 5000; ++i)
    test::append_packet_step(input, Bytes(test::reliable_packet(0, i).record(0x02, {})));
  CHECK(fault(input).empty());
}
