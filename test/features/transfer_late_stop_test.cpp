// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_liar.hpp"

/// Transfers that are cancelled when everything has been sent. Whether that is too late, the file
/// thread of the receiver knows; both ends say the same.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::StopReason;
using detail::TransferNote;
using detail::TransferStep;
using test::BareTransfers;
using test::digest_of;
using test::Gate;
using test::Liar;
using test::LiarTo;
using test::TransferPair;

namespace {

/// Steps the clock so little that nobody's patience ends while a disk is slow.
bool until(TransferPair& files, const std::function<bool()>& holds) {
  return files.pair.until(holds, 10us);
}

/// The file thread alone goes on, until the file has its name; neither host hears of it.
void wait_in_place(TransferPair& files, TransferId id, const std::filesystem::path& path) {
  REQUIRE(files.until([&] { return files.receiver.info(id)->state == TransferState::finishing; }));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!std::filesystem::exists(path) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  REQUIRE(std::filesystem::exists(path));
}

TEST_CASE("a cancel that comes after the file has its name changes nothing, at either end") {
  TransferPair files;
  const auto id = files.offer_text("text", "a");
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  wait_in_place(files, id, files.to / "a");
  SUBCASE("of the receiver") {
    CHECK(files.receiver.cancel(id, "no") == ErrorCode::none);
    CHECK(files.receiver.cancel(id, "no") == ErrorCode::invalid_argument);
  }
  SUBCASE("of the sender") {
    REQUIRE(files.sender.info(files.sent)->state == TransferState::finishing);
    CHECK(files.sender.cancel(files.sent, "no") == ErrorCode::none);
    CHECK(files.sender.cancel(files.sent, "no") == ErrorCode::invalid_argument);
  }
  SUBCASE("of both") {
    CHECK(files.sender.cancel(files.sent, "no") == ErrorCode::none);
    CHECK(files.receiver.cancel(id, "no") == ErrorCode::none);
  }
  REQUIRE(until(files, [&] {
    return files.pair.client.log.count(EventType::transfer_finished) == 1 &&
           files.pair.server.log.count(EventType::transfer_finished) == 1;
  }));
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(files.sent_result() == ErrorCode::none);
  CHECK(test::text_of_file(files.to / "a") == "text");
  CHECK(files.to.names() == std::vector<std::string>{"a"});
}

TEST_CASE("a cancel that comes before the file has its name has its way, and both ends know") {
  LiarTo<BareTransfers> liar;
  auto& core = liar.transfers.core;
  const auto id = liar.begin(4);
  Gate gate(core.files());
  liar.chunk(1, 0, "text");
  liar.say(TransferStep::end, 1, 0, digest_of("text"));
  REQUIRE(liar.until([&] { return core.info(id)->state == TransferState::finishing; }));
  SUBCASE("of the receiver") {
    CHECK(core.cancel(id, "no") == ErrorCode::none);
  }
  SUBCASE("of the sender") {
    TransferNote stop;
    stop.step = TransferStep::offerer_stops;
    stop.reason = StopReason::cancelled;
    stop.id = 1;
    stop.text = "no";
    liar.say(stop);
  }
  liar.pair.run(20ms);
  CHECK_FALSE(liar.reader.has(TransferStep::receiver_stops));
  gate.open();
  const Error error = liar.failure();
  CHECK(error.code == ErrorCode::transfer_cancelled);
  CHECK(error.detail == "no");
  REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::receiver_stops); }));
  CHECK(liar.reader.find(TransferStep::receiver_stops)->reason == StopReason::cancelled);
  CHECK_FALSE(liar.reader.has(TransferStep::done));
}

TEST_CASE("a cancel of what turns out to be wrong is a cancel, and no part is left") {
  LiarTo<BareTransfers> liar;
  auto& core = liar.transfers.core;
  const auto id = liar.begin(4);
  Gate gate(core.files());
  liar.chunk(1, 0, "text");
  liar.say(TransferStep::end, 1, 0, digest_of("tent"));
  REQUIRE(liar.until([&] { return core.info(id)->state == TransferState::finishing; }));
  CHECK(core.cancel(id, "no") == ErrorCode::none);
  gate.open();
  CHECK(liar.failure().code == ErrorCode::transfer_cancelled);
}

TEST_CASE(
    "a sender that cancels after the end believes the receiver's word, and does not wait long") {
  Liar liar;
  const auto id = liar.transfers.offer_memory(
      liar.pair.callee, std::make_shared<const std::vector<std::byte>>(100), "a");
  REQUIRE(id);
  TransferNote note;
  note.step = TransferStep::accept;
  note.id = *id;
  note.window = note.chunk = 65536;
  liar.say(note);
  REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::end); }));
  REQUIRE(liar.transfers.info(*id)->state == TransferState::finishing);
  REQUIRE(liar.transfers.cancel(*id, "no") == ErrorCode::none);
  ErrorCode wanted = ErrorCode::transfer_cancelled;
  SUBCASE("done") {
    liar.say(TransferStep::done, *id);
    wanted = ErrorCode::none;
  }
  SUBCASE("cancelled") {
    note.step = TransferStep::receiver_stops;
    note.reason = StopReason::cancelled;
    liar.say(note);
  }
  SUBCASE("failed") {
    note.step = TransferStep::receiver_stops;
    note.reason = StopReason::failed;
    liar.say(note);
    wanted = ErrorCode::transfer_failed;
  }
  SUBCASE("nothing") {
    liar.pair.run(50s, 500ms);
    CHECK(liar.transfers.info(*id)->state == TransferState::finishing);
    CHECK(liar.transfers.wake_at() < liar.pair.clock.now() + 20s);
    liar.pair.run(20s, 500ms);
  }
  SUBCASE("the connection's end") {
    liar.pair.network->sever_all();
    wanted = ErrorCode::connection_reset;
  }
  REQUIRE(
      liar.until([&] { return liar.pair.server.log.count(EventType::transfer_finished) == 1; }));
  CHECK(liar.pair.server.log.last(EventType::transfer_finished).error.code == wanted);
  REQUIRE(liar.until([&] { return liar.transfers.all().empty(); }));
}

}  // namespace
