// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_pair.hpp"

/// Transfers that succeed, and those that the programs end.
using namespace tickwire;
using namespace std::chrono_literals;
using test::TransferPair;

namespace {

CONTRACT_CASE("a file arrives whole, under the name that the receiver chose") {
  TransferPair files(scheme);
  const std::string text = test::pattern(3'000'000);
  const auto id = files.offer(files.from.write("holiday.jpg", text));
  const auto info = files.receiver.info(id);
  REQUIRE(info);
  CHECK(info->name == "holiday.jpg");
  CHECK(info->size_bytes == text.size());
  CHECK(info->direction == TransferDirection::receiving);
  CHECK(info->state == TransferState::offered);
  REQUIRE(files.receiver.accept(id, files.to / "mine.jpg"));
  files.wait_finished();
  CHECK(files.sent_result() == ErrorCode::none);
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(test::text_of_file(files.to / "mine.jpg") == text);
  CHECK(files.to.names() == std::vector<std::string>{"mine.jpg"});
}

CONTRACT_CASE("files go both ways at once, beside the program's own messages on every channel") {
  TransferPair files(scheme);
  const std::string text = test::pattern(700'000);
  const auto path = files.from.write("a", text);
  const auto there = files.offer(path);
  const auto back = files.receiver.offer_file(files.pair.callee, path);
  REQUIRE(back);
  REQUIRE(
      files.until([&] { return files.pair.client.log.count(EventType::transfer_offered) == 1; }));
  REQUIRE(files.receiver.accept(there, files.to / "there"));
  const auto here = files.pair.client.log.last(EventType::transfer_offered).id;
  REQUIRE(files.sender.accept(here, files.to / "back"));
  for (std::uint8_t channel = 0; channel < 8; ++channel) {
    REQUIRE(test::send_text(files.pair.caller, "words", test::on_channel(channel)));
    const std::string bytes = "bytes of its own";
    REQUIRE(
        files.pair.caller.send_bytes(std::as_bytes(std::span(bytes)), test::on_channel(channel)));
  }
  REQUIRE(files.until([&] {
    return files.pair.client.log.count(EventType::transfer_finished) == 2 &&
           files.pair.server.log.count(EventType::transfer_finished) == 2 &&
           files.pair.server.log.messages() == 16 &&
           files.pair.client.log.count(EventType::data_sent) == 16;
  }));
  CHECK(test::text_of_file(files.to / "there") == text);
  CHECK(test::text_of_file(files.to / "back") == text);
  CHECK(files.pair.client.log.messages() == 0);
}

TEST_CASE("a block of memory arrives in memory, and is handed out once") {
  TransferPair files;
  const std::string text = test::pattern(1'000'001);
  const auto id = files.offer_text(text, "state");
  REQUIRE(files.receiver.accept_to_memory(id, text.size()));
  CHECK_FALSE(files.receiver.take_bytes(id));
  files.wait_finished();
  const auto bytes = files.receiver.take_bytes(id);
  REQUIRE(bytes);
  CHECK(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) == text);
  CHECK_FALSE(files.receiver.take_bytes(id));
  files.pair.run(10ms);
  CHECK_FALSE(files.receiver.info(id));
  CHECK(files.receiver.all().empty());
  CHECK(files.sender.all().empty());
}

CONTRACT_CASE("a file without a byte arrives") {
  TransferPair files(scheme);
  const auto id = files.offer(files.from.write("nothing", ""));
  REQUIRE(files.receiver.accept(id, files.to / "nothing"));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(files.to.names() == std::vector<std::string>{"nothing"});
}

TEST_CASE("a file that has not changed is hashed for its first receiver only") {
  TransferOptions two;
  two.max_known_checksums = 2;
  TransferPair files(test::memory_scheme(), {}, two);
  auto send = [&, count = 0](const std::filesystem::path& path) mutable {
    const auto target = files.to / ("copy " + std::to_string(++count));
    REQUIRE(files.receiver.accept(files.offer(path), target));
    files.wait_finished();
    CHECK(files.sent_result() == ErrorCode::none);
    CHECK(test::text_of_file(target) == test::text_of_file(path));
    return files.sender.counters().known_checksums;
  };
  const auto path = files.from.write("map", test::pattern(1'000'000));
  CHECK(send(path) == 0);
  CHECK(send(path) == 1);
  CHECK(send(path) == 2);
  // Another content of the same size that claims to be as old.
  const auto written = std::filesystem::last_write_time(path);
  files.from.write("map", std::string(1'000'000, 'x'));
  std::filesystem::last_write_time(path, written);
  CHECK(send(path) == 2);
  CHECK(send(path) == 3);
  // Two others push it out.
  CHECK(send(files.from.write("second", test::pattern(1000))) == 3);
  CHECK(send(files.from.write("third", test::pattern(1000))) == 3);
  CHECK(send(path) == 3);
}

TEST_CASE("a checksum that was known and wrong is the receiver's error, once") {
  TransferPair files;
  const auto path = files.from.write("map", test::pattern(100'000));
  REQUIRE(files.receiver.accept(files.offer(path), files.to / "first"));
  files.wait_finished();
  // What is on its way is spoilt, as by a disk that gives other bytes than it did.
  class Spoiler final : public Extension {
   public:
    ~Spoiler() override = default;
    Disposition on_event(Host&, Event& event) override {
      if (event.type == EventType::data_received && event.bytes().size() > 50'000)
        const_cast<std::byte&>(event.bytes().back()) ^= std::byte{1};
      return Disposition::pass;
    }
  };
  auto spoiler = std::make_unique<Spoiler>();
  files.pair.server->detach(files.receiver);
  files.pair.server->attach(*spoiler);
  files.pair.server->attach(files.receiver);
  REQUIRE(files.receiver.accept(files.offer(path), files.to / "second"));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::checksum_mismatch);
  CHECK(files.sent_result() == ErrorCode::transfer_failed);
  CHECK(files.to.names() == std::vector<std::string>{"first"});
  CHECK(files.sender.counters().known_checksums == 1);
  files.pair.server->detach(*spoiler);
  REQUIRE(files.receiver.accept(files.offer(path), files.to / "third"));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(files.sender.counters().known_checksums == 1);
}

TEST_CASE("progress is told at both ends, no more often than asked for, and grows") {
  TransferOptions slow = test::in_small_steps();
  slow.max_bytes_per_second = 100'000;
  slow.max_progress_hz = 5;
  TransferPair files(test::memory_scheme(), {}, slow, slow);
  const std::string text = test::pattern(1'000'000);
  const auto id = files.offer(files.from.write("a", text));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  std::uint64_t done = 0;
  double rate = 0;
  REQUIRE(files.until([&] {
    const auto info = files.receiver.info(id);
    REQUIRE(info);
    CHECK(info->done_bytes >= done);
    done = info->done_bytes;
    rate = std::max(rate, info->bytes_per_second);
    return info->state == TransferState::finished;
  }));
  files.wait_finished();
  CHECK(done == text.size());
  for (const auto* host : {&files.pair.client, &files.pair.server}) {
    CHECK(host->log.count(EventType::transfer_progress) >= 3);
    CHECK(host->log.count(EventType::transfer_progress) <= 60);
  }
  CHECK(rate > 10'000);
}

TEST_CASE("a rate limit holds on the host's clock, of one offer and of all together") {
  TransferOptions limited;
  OfferOptions offer;
  SUBCASE("of one") {
    offer.max_bytes_per_second = 500'000;
  }
  SUBCASE("of all") {
    limited.max_bytes_per_second = 500'000;
  }
  TransferPair files(test::memory_scheme(), {}, limited);
  const std::string text = test::pattern(1'000'000);
  const TimePoint start = files.pair.clock.now();
  const auto id = files.offer(files.from.write("a", text), offer);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  files.wait_finished();
  CHECK(files.pair.clock.now() - start >= 1'800ms);
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("transfers that share a rate take turns") {
  TransferOptions limited = test::in_small_steps();
  limited.max_bytes_per_second = 200'000;
  TransferPair files(test::memory_scheme(), {}, limited);
  const std::string text = test::pattern(1'000'000);
  const auto first = files.offer(files.from.write("a", text));
  REQUIRE(files.receiver.accept(first, files.to / "a"));
  const auto second = files.offer(files.from.write("b", text));
  REQUIRE(files.receiver.accept(second, files.to / "b"));
  const auto done = [&](TransferId id) {
    const auto info = files.receiver.info(id);
    return info ? info->done_bytes : text.size();
  };
  REQUIRE(files.until([&] { return done(second) >= 300'000; }));
  CHECK(done(first) < 800'000);
  files.wait_finished();
  CHECK(test::text_of_file(files.to / "b") == text);
}

TEST_CASE("a host without ticks wakes for the rate by itself") {
  test::PairOptions options;
  options.client.tick_rate_hz.reset();
  OfferOptions offer;
  offer.max_bytes_per_second = 100'000;
  TransferPair files(test::memory_scheme(), std::move(options));
  const auto id = files.offer(files.from.write("a", test::pattern(100'000)), offer);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.sender.wake_at() != TimePoint::max(); }));
  CHECK(files.sender.wake_at() > files.pair.clock.now() - 2ms);
  CHECK(files.sender.wake_at() < files.pair.clock.now() + 1s);
  files.wait_finished();
  CHECK(files.sender.wake_at() == TimePoint::max());
}

TEST_CASE("a transfer goes on when an extension raises an end that is none") {
  TransferPair transfers;
  const TransferId id = transfers.offer_text(std::string(300'000, 'x'));
  test::raise(*transfers.pair.server, EventType::disconnected, transfers.pair.callee);
  test::raise(*transfers.pair.client, EventType::disconnected, transfers.pair.caller);
  transfers.pair.run(5ms);
  REQUIRE(transfers.receiver.accept_to_memory(id, 1'000'000));
  transfers.wait_finished();
  CHECK(transfers.received_result() == ErrorCode::none);
}

TEST_CASE("who refuses says why, and nothing is left of it") {
  TransferPair files;
  const auto id = files.offer(files.from.write("a", "text"));
  CHECK(files.receiver.refuse(id, "not now\x1b[2J") == ErrorCode::none);
  CHECK(files.receiver.refuse(id, "twice") == ErrorCode::invalid_argument);
  CHECK(files.receiver.accept(id, files.to / "a").error().code == ErrorCode::invalid_argument);
  files.wait_finished();
  CHECK(files.sent_result() == ErrorCode::transfer_refused);
  CHECK(files.sent_error().detail == "not now?[2J");
  CHECK(files.received_result() == ErrorCode::transfer_refused);
  CHECK(files.to.names().empty());
}

TEST_CASE("the other end's words do nothing to a terminal, and stay words") {
  TransferPair files;
  const auto id = files.offer_text("text", "a");
  std::string shown;
  SUBCASE("control characters of eight bits, and bytes that are no text") {
    CHECK(files.receiver.refuse(id,
                                "\xc2\x9b"
                                "31mred\x9b"
                                "2J\xff") == ErrorCode::none);
    shown = "?31mred?2J?";
  }
  SUBCASE("what turns text around") {
    CHECK(files.receiver.refuse(id,
                                "gpj\xe2\x80\xae"
                                "exe\xe2\x81\xa6") == ErrorCode::none);
    shown = "gpj?exe?";
  }
  SUBCASE("other languages and signs") {
    CHECK(files.receiver.refuse(id,
                                "<\xc3\xbc"
                                "ber: 5*3 \"\xe5\xae\xb6\"? /|\\>") == ErrorCode::none);
    shown =
        "<\xc3\xbc"
        "ber: 5*3 \"\xe5\xae\xb6\"? /|\\>";
  }
  SUBCASE("more than fits, cut between two characters") {
    CHECK(files.receiver.refuse(id, std::string(199, 'a') + "\xc3\xbc") == ErrorCode::none);
    shown = std::string(199, 'a');
  }
  files.wait_finished();
  CHECK(files.sent_error().detail == shown);
}

CONTRACT_CASE("either end cancels at any time, and the part goes") {
  for (const bool by_sender : {true, false}) {
    for (const int after_bytes : {-1, 0, 100'000}) {
      CAPTURE(by_sender);
      CAPTURE(after_bytes);
      TransferPair files(scheme, {}, test::in_small_steps());
      const auto id = files.offer(files.from.write("a", test::pattern(2'000'000)));
      if (after_bytes >= 0) {
        REQUIRE(files.receiver.accept(id, files.to / "a"));
        REQUIRE(files.until([&] {
          return files.receiver.info(id)->done_bytes >= static_cast<std::uint64_t>(after_bytes);
        }));
      }
      const ErrorCode code = by_sender ? files.sender.cancel(files.sent, "changed my mind")
                                       : files.receiver.cancel(id, "changed my mind");
      CHECK(code == ErrorCode::none);
      files.wait_finished();
      for (const Error& error : {files.sent_error(), files.received_error()}) {
        CHECK(error.code == ErrorCode::transfer_cancelled);
        CHECK(error.detail == "changed my mind");
      }
      CHECK(files.to.names().empty());
      CHECK(files.sender.cancel(files.sent) == ErrorCode::invalid_argument);
    }
  }
}

TEST_CASE("a full send queue delays a transfer and refuses nobody") {
  test::PairOptions options;
  options.client.limits.max_send_queue_bytes = 300'000;
  options.client.limits.max_message_bytes = 200'000;
  options.network.bandwidth_bytes_per_second = 2'000'000;
  TransferPair files(test::memory_scheme(), std::move(options));
  const std::string text = test::pattern(3'000'000);
  const auto id = files.offer(files.from.write("a", text));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] {
    CHECK(files.pair.caller.stats().queued_bytes <= 300'000);
    return files.pair.server.log.count(EventType::transfer_finished) == 1;
  }));
  files.wait_finished();
  CHECK(files.pair.caller.stats().drops.refused_queue_full == 0);
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("a folder takes what is offered under a safe name of its own") {
  TransferPair files;
  const auto id = files.offer_text("text", "../../.profile");
  CHECK(files.receiver.info(id)->name == "_profile");
  const auto target = files.receiver.accept_into_folder(id, files.to.path());
  REQUIRE(target);
  CHECK(*target == files.to / "_profile");
  files.wait_finished();
  CHECK(files.to.names() == std::vector<std::string>{"_profile"});
}

TEST_CASE("a name that is taken is refused, replaced or numbered, as the program says") {
  TransferPair files;
  files.to.write("a.txt", "old");
  files.to.write("a (2).txt", "old");
  const auto id = files.offer_text("new", "a.txt");
  SUBCASE("refused") {
    const auto accepted = files.receiver.accept(id, files.to / "a.txt");
    REQUIRE_FALSE(accepted);
    CHECK(accepted.error().code == ErrorCode::file_exists);
    CHECK(accepted.error().message().find("a.txt") != std::string::npos);
    CHECK(files.receiver.info(id)->state == TransferState::offered);
    CHECK(files.to.names().size() == 2);
  }
  SUBCASE("replaced") {
    REQUIRE(files.receiver.accept(id, files.to / "a.txt", WhenThere::replace));
    files.wait_finished();
    CHECK(test::text_of_file(files.to / "a.txt") == "new");
    CHECK(files.to.names().size() == 2);
  }
  SUBCASE("numbered") {
    const auto target = files.receiver.accept_into_folder(id, files.to.path());
    REQUIRE(target);
    CHECK(*target == files.to / "a (3).txt");
    files.wait_finished();
    CHECK(test::text_of_file(files.to / "a.txt") == "old");
    CHECK(test::text_of_file(files.to / "a (3).txt") == "new");
  }
}

TEST_CASE("a name that is taken meanwhile is not overwritten") {
  TransferPair files;
  const auto id = files.offer_text("new", "a");
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  files.to.write("a", "old");
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::file_exists);
  CHECK(files.sent_result() == ErrorCode::transfer_failed);
  CHECK(test::text_of_file(files.to / "a") == "old");
  CHECK(files.to.names().size() == 1);
}

TEST_CASE("a name that is taken meanwhile is passed by where numbers are wanted") {
  TransferPair files;
  files.to.write("a (2).txt.part", "another's");
  const auto id = files.offer_text("new", "a.txt");
  const auto target = files.receiver.accept_into_folder(id, files.to.path());
  REQUIRE(target);
  CHECK(*target == files.to / "a.txt");
  files.to.write("a.txt", "old");
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(test::text_of_file(files.to / "a.txt") == "old");
  CHECK(test::text_of_file(files.to / "a (3).txt") == "new");
  CHECK(files.receiver.info(id)->path == files.to / "a (3).txt");
  CHECK(files.to.names().size() == 3);
}

TEST_CASE("several files go at the same time, and two of one name do not meet") {
  TransferPair files;
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < 4; ++i) {
    texts.push_back(test::pattern(400'000, i));
    const auto id = files.offer_text(texts.back(), "a.bin");
    REQUIRE(files.receiver.accept_into_folder(id, files.to.path()));
  }
  REQUIRE(
      files.until([&] { return files.pair.server.log.count(EventType::transfer_finished) == 4; }));
  CHECK(test::text_of_file(files.to / "a.bin") == texts[0]);
  CHECK(test::text_of_file(files.to / "a (2).bin") == texts[1]);
  CHECK(test::text_of_file(files.to / "a (3).bin") == texts[2]);
  CHECK(test::text_of_file(files.to / "a (4).bin") == texts[3]);
}

TEST_CASE("transfer events that a program does not want are not made, and nothing is kept") {
  test::PairOptions options;
  options.client.events =
      EventMask::all().without(EventType::transfer_finished | EventType::transfer_progress);
  TransferPair files(test::memory_scheme(), std::move(options));
  const auto id = files.offer(files.from.write("a", "text"));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(
      files.until([&] { return files.pair.server.log.count(EventType::transfer_finished) == 1; }));
  files.pair.run(20ms);
  CHECK(files.sender.all().empty());
  CHECK(files.pair.client.log.count(EventType::transfer_finished) == 0);
}

}  // namespace
