// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_pair.hpp"
#include "test/support/why.hpp"

/// Transfers that are broken off and go on.
using namespace tickwire;
using test::TransferPair;

namespace {

constexpr std::size_t kBytes = 3'000'000;

/// Offers and accepts; waits until so much has come, and cuts the connection.
void send_some(TransferPair& files, const std::filesystem::path& path, std::uint64_t bytes) {
  const auto id = files.offer(path);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.receiver.info(id)->done_bytes >= bytes; }));
  files.reconnect();
  files.wait_finished();
  CHECK(files.sent_result() != ErrorCode::none);
  CHECK(files.received_result() != ErrorCode::none);
  CHECK(files.to.names() == std::vector<std::string>{"a.part", "a.part.state"});
}

/// Sends the rest; returns from where on.
std::uint64_t send_rest(TransferPair& files, const std::filesystem::path& path) {
  const auto id = files.offer(path);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  std::uint64_t resumed = 0;
  REQUIRE(files.until([&] {
    const auto info = files.receiver.info(id);
    resumed = info->resumed_bytes;
    return info->state == TransferState::finished;
  }));
  files.wait_finished();
  CHECK(files.sent_result() == ErrorCode::none);
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(files.to.names() == std::vector<std::string>{"a"});
  return resumed;
}

CONTRACT_CASE("what was broken off by a lost connection goes on where it stopped") {
  TransferPair files(scheme, {}, test::in_small_steps());
  const std::string text = test::pattern(kBytes);
  const auto path = files.from.write("a", text);
  send_some(files, path, 500'000);
  const auto part_bytes = std::filesystem::file_size(files.to / "a.part");
  CHECK(part_bytes >= 500'000);
  CHECK(send_rest(files, path) == part_bytes);
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("a connection's end is told first, and its transfers' ends name nobody") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  send_some(files, files.from.write("a", test::pattern(kBytes)), 1);
  const auto& ended = files.pair.server.log.last(EventType::transfer_finished);
  CHECK(ended.connection == Connection());
  CHECK(ended.error.code == ErrorCode::connection_reset);
}

TEST_CASE("so it is at the end that closes the connection while it sends") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto id = files.offer(files.from.write("a", test::pattern(kBytes)));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.receiver.info(id)->done_bytes > 0; }));
  files.pair.caller.close();
  files.wait_finished();
  const auto& told = files.pair.client.log.all();
  REQUIRE(told.size() > 1);
  CHECK(told.at(told.size() - 2).type == EventType::disconnected);
  CHECK(told.back().type == EventType::transfer_finished);
  CHECK(files.sent_result() == ErrorCode::closed_locally);
  CHECK(files.to.names() == std::vector<std::string>{"a.part", "a.part.state"});
}

TEST_CASE("a part that was damaged is found out, and everything is sent again") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const std::string text = test::pattern(kBytes);
  const auto path = files.from.write("a", text);
  send_some(files, path, 500'000);
  SUBCASE("a byte is another") {
    std::fstream file(files.to / "a.part", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1000);
    file.put('!');
    file.put('!');
  }
  SUBCASE("it is longer than the whole") {
    std::filesystem::resize_file(files.to / "a.part", kBytes + 1);
  }
  SUBCASE("zeros stand at its end, as after a loss of power") {
    std::filesystem::resize_file(files.to / "a.part", kBytes - 1);
  }
  SUBCASE("it is empty") {
    std::filesystem::resize_file(files.to / "a.part", 0);
  }
  CHECK(send_rest(files, path) == 0);
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("a part that is complete is checked and finished without sending anything") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const std::string text = test::pattern(kBytes);
  const auto path = files.from.write("a", text);
  send_some(files, path, 500'000);
  files.to.write("a.part", text);
  CHECK(send_rest(files, path) == kBytes);
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("a part of another file, or of another time, is thrown away") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto path = files.from.write("a", test::pattern(kBytes));
  send_some(files, path, 500'000);
  std::string text = test::pattern(kBytes);
  SUBCASE("another size") {
    text = test::pattern(kBytes - 1);
    files.from.write("a", text);
  }
  SUBCASE("another time") {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  }
  CHECK(send_rest(files, path) == 0);
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("a part whose state is damaged belongs to nobody, and is not touched") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto path = files.from.write("a", test::pattern(kBytes));
  send_some(files, path, 500'000);
  files.to.write("a.part.state", "tickwire part 1\nnonsense");
  const auto id = files.offer(path);
  const auto accepted = files.receiver.accept(id, files.to / "a");
  REQUIRE_FALSE(accepted);
  CHECK(accepted.error().code == ErrorCode::file_exists);
  CHECK(accepted.error().message().find("a.part") != std::string::npos);
  CHECK(std::filesystem::file_size(files.to / "a.part") >= 500'000);
}

TEST_CASE("with a key of one's own, a file that was only touched goes on") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const std::string text = test::pattern(kBytes);
  const auto path = files.from.write("a", text);
  OfferOptions keyed;
  keyed.key = "version 7";
  auto id = files.offer(path, keyed);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.receiver.info(id)->done_bytes > 100'000; }));
  files.reconnect();
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  id = files.offer(path, keyed);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.receiver.info(id)->resumed_bytes > 100'000; }));
  files.wait_finished();
  CHECK(test::text_of_file(files.to / "a") == text);
}

TEST_CASE("an offer is told once the files of what was lost are closed") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto path = files.from.write("a", test::pattern(kBytes));
  for (int i = 0; i < 20; ++i) {
    const auto lost = files.offer(path);
    REQUIRE(files.receiver.accept(lost, files.to / "a"));
    files.reconnect();
    const auto again = files.offer(path);
    const auto accepted = files.receiver.accept(again, files.to / "a");
    REQUIRE_MESSAGE(accepted, test::why(accepted));
    REQUIRE(files.receiver.cancel(again) == ErrorCode::none);
  }
}

TEST_CASE("two transfers never write the same part") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto path = files.from.write("a", test::pattern(kBytes));
  const auto first = files.offer(path);
  REQUIRE(files.receiver.accept(first, files.to / "a"));
  const auto second = files.offer(path);
  const auto accepted = files.receiver.accept(second, files.to / "a");
  REQUIRE_FALSE(accepted);
  CHECK(accepted.error().code == ErrorCode::file_exists);
  REQUIRE(files.until([&] { return files.receiver.info(first) == std::nullopt; }));
  CHECK(std::filesystem::file_size(files.to / "a") == kBytes);
}

TEST_CASE("killed at a random moment 50 times, a transfer resumes each time and ends right") {
  for (const std::uint32_t seed : {1u, 2u}) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    test::ScratchFolder from;
    test::ScratchFolder to;
    const std::string text = test::pattern(6'000'000, seed);
    const auto path = from.write("a", text);
    std::uint64_t done = 0;
    int resumed = 0;
    bool is_over = false;
    for (int life = 0; !is_over && !std::filesystem::exists(to / "a"); ++life) {
      REQUIRE(life < 200);
      // Both ends are new each time, as if both processes had died.
      TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
      const auto id = files.offer(path);
      const auto accepted = files.receiver.accept(id, to / "a");
      INFO("life ", life, ": ", accepted ? "" : accepted.error().message());
      REQUIRE(accepted);
      const std::uint64_t kill_after = life < 50 ? random() % 110'000 : text.size();
      std::uint64_t begun_at = 0;
      REQUIRE(files.until([&] {
        const auto info = files.receiver.info(id);
        begun_at = info->resumed_bytes;
        is_over = info->state == TransferState::finished;
        return is_over || info->done_bytes >= done + kill_after;
      }));
      if (begun_at > 0) ++resumed;
      done = std::max(done, files.receiver.info(id)->done_bytes);
      // One of the two goes first, or the network does.
      switch (random() % 3) {
        case 0:
          files.pair.server.host.reset();
          break;
        case 1:
          files.pair.client.host.reset();
          break;
        default:
          files.pair.network->sever_all();
      }
    }
    CHECK(resumed >= 40);
    CHECK(test::text_of_file(to / "a") == text);
    CHECK(to.names() == std::vector<std::string>{"a"});
  }
}

}  // namespace
