// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <pthread.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_liar.hpp"
#include "test/support/counting_resource.hpp"

/// What transfers cost a host: threads, memory and time, whoever is at the other end.
using namespace tickwire;
using detail::TransferStep;
using test::BareTransfers;
using test::digest_of;
using test::Gate;
using test::Liar;
using test::LiarTo;
using test::TransferPair;

namespace {

#ifdef __GLIBC__
/// A machine that has no thread left: none has room for the stack that it would get.
class NoThreads {
 public:
  NoThreads() {
    REQUIRE(pthread_getattr_default_np(&before_) == 0);
    pthread_attr_t huge;
    REQUIRE(pthread_attr_init(&huge) == 0);
    REQUIRE(pthread_attr_setstacksize(&huge, std::size_t{1} << 50) == 0);
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
    pthread_attr_destroy(&huge);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_{};
};

TEST_CASE("without a thread to be had nothing is accepted or offered, and the offer stands") {
  TransferPair files;
  const auto id = files.offer_text("text", "a");
  {
    const NoThreads none;
    const auto to_file = files.receiver.accept(id, files.to / "a");
    REQUIRE_FALSE(to_file);
    CHECK(to_file.error().code == ErrorCode::out_of_resources);
    CHECK(files.receiver.accept_to_memory(id, 4).error().code == ErrorCode::out_of_resources);
    const auto back = files.receiver.offer_memory(
        files.pair.callee, std::make_shared<const std::vector<std::byte>>(4), "b");
    REQUIRE_FALSE(back);
    CHECK(back.error().code == ErrorCode::out_of_resources);
    CHECK(files.to.names().empty());
  }
  CHECK(files.receiver.all().size() == 1);
  CHECK(files.receiver.info(id)->state == TransferState::offered);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
}

TEST_CASE("who has offered needs no thread any more when that is accepted") {
  TransferPair files;
  const auto id = files.offer_text("text", "a");
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  const NoThreads none;
  files.wait_finished();
  CHECK(files.sent_result() == ErrorCode::none);
}
#endif

TEST_CASE("chunks of a byte each wait together, and are written in their order") {
  LiarTo<BareTransfers> liar;
  auto& core = liar.transfers.core;
  const auto text = std::string(10'000, 'a') + std::string(5'000, 'b') + "c" + std::string(9, 'd');
  const auto id = liar.begin(text.size());
  Gate gate(core.files());
  const auto wait_taken = [&] {
    const auto before = liar.pair.server.log.messages();
    REQUIRE(test::send_text(liar.pair.caller, "mark", test::on_channel(7)));
    REQUIRE(liar.until([&] { return liar.pair.server.log.messages() > before; }));
  };
  for (std::uint64_t i = 0; i < 10'000; ++i)
    liar.chunk(1, i, "a");
  wait_taken();
  CHECK(core.files().waiting() <= 1);
  liar.chunk(1, 10'000, std::string(5'000, 'b'));
  liar.chunk(1, 15'000, "c");
  wait_taken();
  CHECK(core.files().waiting() <= 3);
  gate.open();
  REQUIRE(liar.until([&] { return core.info(id)->done_bytes == 15'001; }));
  liar.chunk(1, 15'001, std::string(9, 'd'));
  liar.say(TransferStep::end, 1, 0, digest_of(text));
  REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::done); }));
  CHECK(test::text_of_file(liar.folder / "a") == text);
}

TEST_CASE("what a chunk came together with is not kept until that is written") {
  test::CountingResource memory;
  test::PairOptions options;
  options.server.memory = &memory;
  LiarTo<BareTransfers> liar({}, std::move(options));
  auto& core = liar.transfers.core;
  const std::string text(5'000, 'a');
  const auto id = liar.begin(12 * text.size());
  Gate gate(core.files());
  const auto before = memory.bytes_out();
  for (std::uint64_t i = 0; i < 12; ++i) {
    liar.chunk(1, i * text.size(), text);
    REQUIRE(test::send_text(liar.pair.caller, std::string(10'000, 'b'), test::on_channel(7)));
    REQUIRE(liar.until([&] { return liar.pair.server.log.messages() > i; }));
  }
  CHECK(memory.bytes_out() < before + 12 * text.size());
  gate.open();
  REQUIRE(liar.until([&] { return core.info(id)->done_bytes == 12 * text.size(); }));
}

TEST_CASE("acknowledgements that find a full send queue leave room for how it has ended") {
  test::PairOptions options;
  options.server.limits.max_send_queue_bytes = 10'000;
  options.server.limits.max_message_bytes = 9'000;
  options.client.limits.receive_window_bytes = 128 * 1024;
  LiarTo<BareTransfers> liar({}, std::move(options));
  auto& core = liar.transfers.core;
  constexpr std::uint64_t chunks = 400;  // more than the notes that are kept for one connection
  const auto id = liar.begin(chunks);
  liar.pair.client->set_receiving(liar.pair.caller, Receiving::paused);
  const auto fill = [&] {
    while (test::send_text(liar.pair.callee, "x")) {
    }
  };
  for (std::uint64_t i = 0; i < chunks; ++i) {
    fill();
    liar.chunk(1, i, "a");
    REQUIRE(liar.until([&] { return core.info(id)->done_bytes == i + 1; }));
    liar.pair.step(std::chrono::seconds(1));
  }
  fill();
  liar.say(TransferStep::end, 1, 0, digest_of(std::string(chunks, 'a')));
  REQUIRE(liar.until([&] {
    fill();
    return liar.pair.server.log.count(EventType::transfer_finished) == 1;
  }));
  liar.pair.client->set_receiving(liar.pair.caller, Receiving::on);
  REQUIRE(liar.until([&] { return liar.reader.has(TransferStep::done); }));
}

TEST_CASE("a sender whose messages may be of 300 bytes only is a correct one") {
  test::PairOptions options;
  options.client.limits.max_message_bytes = 300;
  TransferPair files(test::memory_scheme(), std::move(options));
  const std::string text = test::pattern(100'000);
  const auto id = files.offer(files.from.write("a", text));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(test::text_of_file(files.to / "a") == text);
}

// With a look at all of them for each it would not come to its end in the time that a pair waits.
TEST_CASE("an offer that is withdrawn at once costs the same, however many others wait") {
  TransferOptions options;
  options.max_offers = 20'000;
  Liar liar(options);
  std::uint64_t id = 0;
  const auto offer = [&] { liar.say(TransferStep::offer, ++id, 10, std::string(32, 'k')); };
  while (id < options.max_offers - 1)
    offer();
  REQUIRE(liar.until([&] { return liar.transfers.all().size() == options.max_offers - 1; }));
  for (int i = 0; i < 40'000; ++i) {
    offer();
    liar.say(TransferStep::offerer_stops, id);
  }
  liar.say(TransferStep::offerer_stops, 1);
  REQUIRE(liar.until([&] { return liar.transfers.all().size() == options.max_offers - 2; }));
  CHECK(liar.transfers.counters().offers_refused == 0);
}

TEST_CASE("what has ended makes room for the next, and what has not does not") {
  TransferOptions options;
  options.max_offers = 2;
  options.max_accepted = 1;
  Liar liar(options);
  const auto offer = [&](std::uint64_t id) {
    liar.say(TransferStep::offer, id, 10, std::string(32, 'k'));
  };
  const auto refused = [&](std::uint64_t count) {
    liar.say(TransferStep::offerer_stops, 99);
    liar.pair.run(std::chrono::milliseconds(20));
    return liar.transfers.counters().offers_refused == count;
  };
  offer(1);
  offer(2);
  offer(3);
  CHECK(refused(1));
  const auto first = liar.transfers.all().front().id;
  REQUIRE(liar.transfers.accept_to_memory(first, 10));
  offer(4);
  CHECK(refused(1));
  offer(5);
  CHECK(refused(2));
  liar.say(TransferStep::offerer_stops, 2);
  offer(6);
  CHECK(refused(2));
  const auto last = liar.pair.server.log.last(EventType::transfer_offered).id;
  CHECK(liar.transfers.accept_to_memory(last, 10).error().code == ErrorCode::too_many_transfers);
  REQUIRE(liar.transfers.cancel(first) == ErrorCode::none);
  REQUIRE(liar.until([&] { return liar.transfers.info(first) == std::nullopt; }));
  CHECK(liar.transfers.accept_to_memory(last, 10));
}

}  // namespace
