// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>
#include <tickwire/transfer.hpp>

#include "lib/features/transfer/messages.hpp"
#include "test/features/transfer_liar.hpp"

/// Other ends that say what no correct one does.
using namespace tickwire;
using detail::StopReason;
using detail::TransferNote;
using detail::TransferStep;
using test::digest_of;
using test::Liar;

namespace {

TEST_CASE("a sender by hand that does it right is believed, so that the others fail for a reason") {
  Liar liar;
  liar.begin(8);
  liar.chunk(1, 0, "wir");
  liar.chunk(1, 3, "e tap");
  liar.say(TransferStep::end, 1, 0, digest_of("wire tap"));
  REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::done); }));
  CHECK(test::text_of_file(liar.folder / "a") == "wire tap");
  CHECK(liar.transfers.counters().malformed == 0);
}

TEST_CASE("a wrong checksum ends a transfer at both ends, and the part goes") {
  Liar liar;
  liar.begin(4);
  liar.chunk(1, 0, "text");
  liar.say(TransferStep::end, 1, 0, digest_of("tent"));
  CHECK(liar.failure().code == ErrorCode::checksum_mismatch);
  CHECK(liar.reader.has(TransferStep::receiver_stops));
}

TEST_CASE("chunks and notes that no correct sender makes end their transfer alone") {
  TransferOptions options;
  options.chunk_bytes = 4096;
  options.window_bytes = 4 * 4096;
  Liar liar(options);
  liar.begin(1'000'000);
  SUBCASE("a chunk out of order") {
    liar.chunk(1, 4, "text");
  }
  SUBCASE("a chunk twice") {
    liar.chunk(1, 0, "text");
    liar.chunk(1, 0, "text");
  }
  SUBCASE("an empty chunk") {
    liar.chunk(1, 0, "");
  }
  SUBCASE("more than the window") {
    liar.chunk(1, 0, std::string(4 * 4096 + 1, 'x'));
  }
  SUBCASE("an end before its time") {
    liar.chunk(1, 0, "text");
    liar.say(TransferStep::end, 1, 0, digest_of("text"));
  }
  SUBCASE("a second beginning") {
    liar.say(TransferStep::begin, 1);
  }
  CHECK(liar.failure().code == ErrorCode::protocol_violation);
  CHECK(liar.transfers.counters().malformed == 1);
  CHECK(liar.reader.has(TransferStep::receiver_stops));
}

TEST_CASE("a sender that has more than it said is stopped") {
  Liar liar;
  liar.begin(4);
  SUBCASE("in one chunk") {
    liar.chunk(1, 0, "texts");
  }
  SUBCASE("in another") {
    liar.chunk(1, 0, "text");
    liar.chunk(1, 4, "s");
  }
  CHECK(liar.failure().code == ErrorCode::protocol_violation);
}

TEST_CASE("a sender that begins where nobody asked it to is stopped") {
  Liar liar;
  liar.say(TransferStep::offer, 1, 100, std::string(32, 'k'));
  REQUIRE(liar.until([&] { return liar.pair.server.log.count(EventType::transfer_offered) == 1; }));
  const auto id = liar.pair.server.log.last(EventType::transfer_offered).id;
  SUBCASE("further on") {
    REQUIRE(liar.transfers.accept(id, liar.folder / "a"));
    REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::accept); }));
    liar.say(TransferStep::begin, 1, 50);
  }
  SUBCASE("before it was accepted") {
    liar.say(TransferStep::begin, 1);
  }
  SUBCASE("with a chunk") {
    liar.chunk(1, 0, "text");
  }
  CHECK(liar.failure().code == ErrorCode::protocol_violation);
}

TEST_CASE("chunks of transfers that are not there are counted and dropped") {
  Liar liar;
  liar.chunk(77, 0, "text");
  liar.say(TransferStep::end, 77);
  liar.say(TransferStep::acknowledge, 77, 5);
  liar.say(TransferStep::offerer_stops, 77);
  REQUIRE(liar.until([&] { return liar.transfers.counters().unknown_chunks == 1; }));
  CHECK(liar.pair.server.log.messages() == 0);
  CHECK(liar.pair.callee.is_open());
}

TEST_CASE("a flood of offers reaches the program up to the limit, and costs no memory") {
  TransferOptions options;
  options.max_offers = 3;
  Liar liar(options);
  for (std::uint64_t id = 1; id <= 500; ++id)
    liar.say(TransferStep::offer, id, 10, std::string(32, 'k'));
  liar.say(TransferStep::offer, 1, 10, std::string(32, 'k'));  // a number in use
  REQUIRE(liar.until([&] { return liar.transfers.counters().offers_refused == 498; }));
  CHECK(liar.pair.server.log.count(EventType::transfer_offered) == 3);
  CHECK(liar.transfers.all().size() == 3);
  CHECK(liar.pair.callee.is_open());
}

TEST_CASE("an offer that makes no sense is refused unseen") {
  Liar liar;
  TransferNote note;
  note.id = 1;
  SUBCASE("without a key") {}
  SUBCASE("with a name of 1,025 bytes") {
    note.digest = std::string(32, 'k');
    note.text = std::string(1025, 'n');
  }
  liar.say(note);
  REQUIRE(liar.until([&] { return liar.transfers.counters().malformed == 1; }));
  CHECK(liar.transfers.all().empty());
}

TEST_CASE("a note that is too long, or does not decode, is counted") {
  Liar liar;
  TransferNote note;
  note.text = std::string(100'000, 'n');
  liar.say(note);
  std::vector<std::byte> bytes;
  REQUIRE(encode(note, bytes));
  REQUIRE(liar.until([&] { return liar.transfers.counters().malformed == 1; }));
  CHECK(liar.transfers.all().empty());
}

TEST_CASE("a receiver that takes what was not sent, or accepts nonsense, ends its transfer alone") {
  Liar liar;
  const auto bytes = std::make_shared<const std::vector<std::byte>>(100'000);
  const auto id = liar.transfers.offer_memory(liar.pair.callee, bytes, "a");
  REQUIRE(id);
  REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::offer); }));
  TransferNote accept;
  accept.step = TransferStep::accept;
  accept.id = *id;
  accept.window = accept.chunk = 65536;
  SUBCASE("more is there than was offered") {
    accept.bytes = 100'001;
    accept.digest = std::string(32, 'd');
    liar.say(accept);
  }
  SUBCASE("a chunk of nothing") {
    accept.chunk = 0;
    liar.say(accept);
  }
  SUBCASE("a window smaller than a chunk") {
    accept.window = 1;
    liar.say(accept);
  }
  SUBCASE("no digest") {
    accept.bytes = 10;
    liar.say(accept);
  }
  SUBCASE("twice") {
    liar.say(accept);
    liar.say(accept);
  }
  SUBCASE("taken before it was sent") {
    liar.say(accept);
    REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::begin); }));
    liar.say(TransferStep::acknowledge, *id, 99'999);
  }
  SUBCASE("done before the end") {
    liar.say(accept);
    liar.say(TransferStep::done, *id);
  }
  SUBCASE("done before it was accepted") {
    liar.say(TransferStep::done, *id);
  }
  REQUIRE(
      liar.until([&] { return liar.pair.server.log.count(EventType::transfer_finished) == 1; }));
  CHECK(liar.pair.server.log.last(EventType::transfer_finished).error.code ==
        ErrorCode::protocol_violation);
  CHECK(liar.pair.callee.is_open());
}

TEST_CASE("nobody steers another connection's transfers") {
  Liar liar;
  const auto id = liar.begin(1000);
  auto& other = liar.pair.add();
  const Connection stranger = liar.pair.connect(other);
  TransferNote stop;
  stop.id = 1;
  stop.step = TransferStep::offerer_stops;
  REQUIRE(stranger.send(stop));
  const auto offered = liar.transfers.offer_memory(
      liar.pair.callee, std::make_shared<const std::vector<std::byte>>(10), "b");
  REQUIRE(offered);
  stop.id = *offered;
  stop.step = TransferStep::receiver_stops;
  REQUIRE(stranger.send(stop));
  REQUIRE(liar.until([&] { return liar.transfers.counters().malformed == 1; }));
  CHECK(liar.transfers.info(id)->state == TransferState::running);
  CHECK(liar.transfers.info(*offered)->state == TransferState::offered);
}

TEST_CASE("whatever notes and chunks come, in whatever order, the host goes on") {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    const auto pick = [&](std::uint32_t below) {
      return static_cast<std::uint32_t>(random()) % below;
    };
    Liar liar;
    for (int round = 0; round < 400; ++round) {
      TransferNote note;
      note.step = static_cast<TransferStep>(pick(8));
      note.reason = static_cast<StopReason>(pick(4));
      note.id = pick(6);
      note.bytes = pick(4) == 0 ? random() : pick(20);
      note.window = pick(3) * 8192;
      note.chunk = pick(3) * 4096;
      note.digest = std::string(pick(3) * 16, 'd');
      if (pick(3) == 0) {
        liar.chunk(pick(6), pick(10), std::string(pick(10), 'c'));
      } else {
        liar.say(note);
      }
      liar.pair.step();
      for (const TransferInfo& info : liar.transfers.all()) {
        if (info.state != TransferState::offered) continue;
        if (info.direction == TransferDirection::receiving && pick(2) == 0) {
          static_cast<void>(liar.transfers.accept_into_folder(info.id, liar.folder.path()));
        }
      }
      if (pick(20) == 0) {
        static_cast<void>(liar.transfers.offer_memory(
            liar.pair.callee, std::make_shared<const std::vector<std::byte>>(pick(100'000)), "b"));
      }
    }
    CHECK(liar.pair.callee.is_open());
    REQUIRE(test::send_text(liar.pair.caller, "still there"));
    REQUIRE(liar.until([&] { return liar.pair.server.log.messages() == 1; }));
  }
}

}  // namespace
