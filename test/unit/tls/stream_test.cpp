// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;
using Pieces = std::vector<std::span<const std::byte>>;

constexpr std::size_t kRecord = 16384;
constexpr std::size_t kOverhead = 22;  // header, inner type, tag

std::string text_of(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& letter : text)
    letter = static_cast<char>('a' + random() % 26);
  return text;
}

/// Cuts a text into pieces of up to `most` bytes, some of them empty.
Pieces cut_up(std::string_view text, std::size_t most, std::mt19937& random) {
  Pieces pieces;
  while (!text.empty()) {
    const std::size_t size = std::min<std::size_t>(random() % (most + 1), text.size());
    pieces.push_back(std::as_bytes(std::span(text.substr(0, size))));
    text.remove_prefix(size);
  }
  return pieces;
}

/// Sessions whose tickets have been read, so that the wire is empty.
TlsPair quiet_pair(const TlsRig& rig) {
  TlsPair pair(rig);
  REQUIRE(pair.up());
  REQUIRE(receive(*pair.dialler).empty());
  return pair;
}

TEST_CASE("tls stream: a wire of one byte at a time carries everything") {
  const TlsRig rig;
  MemoryStreams wire = make_memory_streams();
  for (const auto& pipe : {wire.to_left, wire.to_right}) {
    pipe->most_per_read = 1;
    pipe->most_per_write = 1;
    pipe->capacity_bytes = 7;
  }
  const auto dial = load(rig.dial, TlsRole::dialler);
  const auto listen = load(rig.listen, TlsRole::acceptor);
  const auto dialler = dial->wrap(std::move(wire.left), TlsRig::host, "");
  const auto acceptor = listen->wrap(std::move(wire.right), "", "");
  const std::string text = text_of(300, 1);
  auto rest = std::as_bytes(std::span(text));
  std::string got;
  for (int round = 0; round < 20'000 && got.size() < text.size(); ++round) {
    if (dialler->handshake() == IoStatus::done && !rest.empty())
      rest = rest.subspan(dialler->write(std::span(&rest, 1)).bytes);
    CHECK(receive(*dialler).empty());  // so that there is room for the acceptor's ticket
    if (acceptor->handshake() == IoStatus::done) got += receive(*acceptor);
  }
  CHECK(got == text);
}

TEST_CASE("tls stream: many small pieces travel in full records, all in one write") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  std::mt19937 random(2);
  const std::string text = text_of(4 * kRecord, 2);
  const Pieces pieces = cut_up(text, 100, random);
  const std::size_t writes = pair.wire.to_right->writes;
  const IoResult result = pair.dialler->write(pieces);
  CHECK(result.status == IoStatus::done);
  CHECK(result.bytes == text.size());
  CHECK(pair.wire.to_right->bytes.size() == 4 * (kRecord + kOverhead));
  CHECK(pair.wire.to_right->writes - writes == 1);
  const std::size_t reads = pair.wire.to_right->reads;
  CHECK(receive(*pair.acceptor) == text);
  CHECK(pair.wire.to_right->reads - reads <= 4);
}

TEST_CASE("tls stream: large pieces between small ones fill their records, too") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  const std::string text = text_of(10 * kRecord, 3);
  const auto bytes = std::as_bytes(std::span(text));
  const Pieces pieces{bytes.first(10),
                      bytes.subspan(10, 5 * kRecord),
                      {},
                      bytes.subspan(5 * kRecord + 10, 20),
                      bytes.subspan(5 * kRecord + 30)};
  CHECK(pair.dialler->write(pieces).bytes == text.size());
  CHECK(pair.wire.to_right->bytes.size() == 10 * (kRecord + kOverhead));
  CHECK(receive(*pair.acceptor) == text);
}

TEST_CASE("tls stream: what was blocked goes on from elsewhere, in other pieces, and with more") {
  const TlsRig rig;
  for (unsigned seed = 0; seed < 20; ++seed) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    TlsPair pair = quiet_pair(rig);
    pair.wire.to_right->capacity_bytes = 5000 + random() % 40'000;
    pair.wire.to_right->most_per_write = 1000 + random() % 40'000;
    const std::string text = text_of(300'000, seed);
    std::string got;
    std::size_t sent = 0;
    bool was_blocked = false;
    for (int round = 0; round < 5000 && got.size() < text.size(); ++round) {
      // A copy elsewhere, from what is not sent yet up to a limit that grows.
      const std::size_t end = std::min(text.size(), sent + 50'000);
      const std::string copy = text.substr(sent, end - sent);
      const IoResult result = pair.dialler->write(cut_up(copy, 1 + random() % 30'000, random));
      if (result.status == IoStatus::blocked && !copy.empty()) {
        was_blocked = true;
        CHECK(pair.dialler->awaits() == Awaits::writable);
      }
      REQUIRE(result.status != IoStatus::failed);
      sent += result.bytes;
      if (random() % 2 == 0) got += receive(*pair.acceptor);
    }
    CHECK(was_blocked);
    CHECK(got == text);
  }
}

TEST_CASE("tls stream: reading fills the first piece, then the second, and keeps the rest") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  const std::string text = text_of(100, 4);
  REQUIRE(send(*pair.dialler, text));
  std::array<char, 60> buffer{};
  const auto bytes = std::as_writable_bytes(std::span(buffer));
  const IoResult result = pair.acceptor->read(bytes.first(7), bytes.subspan(7, 20));
  CHECK(result.status == IoStatus::done);
  CHECK(result.bytes == 27);
  CHECK(std::string(buffer.data(), 27) == text.substr(0, 27));
  CHECK(pair.acceptor->has_buffered_input());
  CHECK(receive(*pair.acceptor) == text.substr(27));
  CHECK_FALSE(pair.acceptor->has_buffered_input());
}

TEST_CASE("tls stream: half a record is nothing that could be read") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  REQUIRE(send(*pair.dialler, "hello"));
  auto& wire = pair.wire.to_right->bytes;
  const std::vector<std::byte> tail(wire.begin() + 9, wire.end());
  wire.resize(9);
  IoStatus last = IoStatus::done;
  CHECK(receive(*pair.acceptor, &last).empty());
  CHECK(last == IoStatus::blocked);
  CHECK(pair.acceptor->awaits() == Awaits::readable);
  CHECK_FALSE(pair.acceptor->has_buffered_input());
  wire = tail;
  CHECK(receive(*pair.acceptor) == "hello");
}

TEST_CASE("tls stream: nothing is read from below before somebody reads") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  const std::size_t attempts = pair.wire.to_right->attempts_to_read;
  pair.wire.to_right->capacity_bytes = 100'000;
  CHECK_FALSE(send(*pair.dialler, text_of(200'000, 5)));  // blocked, as nobody takes it
  CHECK(send(*pair.acceptor, "from here on"));
  CHECK(pair.wire.to_right->attempts_to_read == attempts);
  std::array<char, 10> small{};
  CHECK(pair.acceptor->read(std::as_writable_bytes(std::span(small)), {}).bytes == 10);
  CHECK(pair.wire.to_right->bytes.size() > 30'000);  // the buffer below is bounded
}

TEST_CASE("tls stream: a goodbye ends one direction, and the other goes on") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  REQUIRE(send(*pair.dialler, "last words"));
  CHECK(pair.dialler->shut_down() == IoStatus::done);
  CHECK(pair.wire.to_right->ended);
  IoStatus last = IoStatus::done;
  CHECK(receive(*pair.acceptor, &last) == "last words");
  CHECK(last == IoStatus::ended);
  CHECK(send(*pair.acceptor, "answer"));
  CHECK(receive(*pair.dialler, &last) == "answer");
  CHECK(last == IoStatus::blocked);
  CHECK(pair.acceptor->shut_down() == IoStatus::done);
  CHECK(receive(*pair.dialler, &last).empty());
  CHECK(last == IoStatus::ended);
}

TEST_CASE("tls stream: an end behind bytes that were read is there to be read") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  REQUIRE(send(*pair.dialler, "bye"));
  CHECK(pair.dialler->shut_down() == IoStatus::done);
  std::array<std::byte, 100> buffer{};
  CHECK(pair.acceptor->read(buffer, {}).bytes == 3);
  CHECK(pair.acceptor->has_buffered_input());
  CHECK(pair.acceptor->read(buffer, {}).status == IoStatus::ended);
  CHECK_FALSE(pair.acceptor->has_buffered_input());
}

TEST_CASE("tls stream: a blocked goodbye goes on later, once") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  pair.wire.to_right->capacity_bytes = 0;
  CHECK(pair.dialler->shut_down() == IoStatus::blocked);
  CHECK(pair.dialler->awaits() == Awaits::writable);
  CHECK_FALSE(pair.wire.to_right->ended);
  pair.wire.to_right->capacity_bytes = 1000;
  CHECK(pair.dialler->shut_down() == IoStatus::done);
  const std::size_t size = pair.wire.to_right->bytes.size();
  CHECK(pair.dialler->shut_down() == IoStatus::done);
  CHECK(pair.wire.to_right->bytes.size() == size);
  IoStatus last = IoStatus::done;
  CHECK(receive(*pair.acceptor, &last).empty());
  CHECK(last == IoStatus::ended);
}

TEST_CASE("tls stream: an end without a goodbye is a truncated stream") {
  const TlsRig rig;
  for (const std::size_t kept : {std::size_t{0}, std::size_t{3}, std::size_t{20}}) {
    TlsPair pair = quiet_pair(rig);
    REQUIRE(send(*pair.dialler, "whole"));
    const std::size_t whole = pair.wire.to_right->bytes.size();
    REQUIRE(send(*pair.dialler, "half"));
    pair.wire.to_right->bytes.resize(whole + kept);
    pair.wire.to_right->ended = true;
    IoStatus last = IoStatus::done;
    CHECK(receive(*pair.acceptor, &last) == "whole");
    CHECK(last == IoStatus::failed);
    CHECK(pair.acceptor->failure().code == ErrorCode::stream_truncated);
    CHECK(pair.acceptor->failure().detail.find("close_notify") != std::string::npos);
    CHECK_FALSE(send(*pair.acceptor, "more"));
  }
}

TEST_CASE("tls stream: a goodbye behind half a record is none") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  pair.wire.to_right->capacity_bytes = 10;
  CHECK_FALSE(send(*pair.dialler, "blocked"));
  CHECK(pair.dialler->shut_down() == IoStatus::done);
  IoStatus last = IoStatus::done;
  CHECK(receive(*pair.acceptor, &last).empty());
  CHECK(pair.acceptor->failure().code == ErrorCode::stream_truncated);
}

TEST_CASE("tls stream: what is encrypted and held counts when it has left, and goes first") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  const std::string text = text_of(3 * kRecord, 4);
  const auto bytes = std::as_bytes(std::span(text));
  pair.wire.to_right->capacity_bytes = kRecord + 100;
  const IoResult blocked = pair.dialler->write(std::span(&bytes, 1));
  CHECK(blocked.status == IoStatus::blocked);
  CHECK(blocked.bytes == 0);
  CHECK(pair.dialler->awaits() == Awaits::writable);
  std::string got = receive(*pair.acceptor);
  CHECK(got == text.substr(0, kRecord));

  // Still nothing but what was offered first, however much is offered now.
  pair.wire.to_right->capacity_bytes = 10 * kRecord;
  const std::string more = text + "more";
  const auto more_bytes = std::as_bytes(std::span(more));
  CHECK(pair.dialler->write(std::span(&more_bytes, 1)).bytes == more.size());
  got += receive(*pair.acceptor);
  CHECK(got == more);
}

/// Leaves two records behind at the dialler, of which the wire has taken a part.
void leave_behind(TlsPair& pair, const std::string& text) {
  REQUIRE(text.size() == 2 * kRecord);
  const auto bytes = std::as_bytes(std::span(text));
  pair.wire.to_right->capacity_bytes = kRecord;
  REQUIRE(pair.dialler->write(std::span(&bytes, 1)).status == IoStatus::blocked);
}

TEST_CASE("tls stream: a goodbye goes behind what was held, once that has left") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  const std::string text = text_of(2 * kRecord, 5);
  leave_behind(pair, text);
  std::string got = receive(*pair.acceptor);
  pair.wire.to_right->capacity_bytes = 10 * kRecord;
  CHECK(pair.dialler->shut_down() == IoStatus::done);
  IoStatus last = IoStatus::done;
  got += receive(*pair.acceptor, &last);
  CHECK(got == text);
  CHECK(last == IoStatus::ended);
}

TEST_CASE(
    "tls stream: what is held when the stream below breaks is a failure, and none of it counts") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  const std::string text = text_of(2 * kRecord, 6);
  leave_behind(pair, text);
  pair.wire.cut();
  const auto bytes = std::as_bytes(std::span(text));
  const IoResult failed = pair.dialler->write(std::span(&bytes, 1));
  CHECK(failed.status == IoStatus::failed);
  CHECK(failed.bytes == 0);
  CHECK(pair.dialler->failure().code == ErrorCode::connection_reset);
}

TEST_CASE("tls stream: a cut is passed on as the stream below tells it") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  REQUIRE(send(*pair.dialler, "before"));
  pair.wire.cut();
  IoStatus last = IoStatus::done;
  CHECK_FALSE(send(*pair.acceptor, "into it"));
  CHECK(pair.acceptor->failure().code == ErrorCode::connection_reset);
  CHECK(receive(*pair.acceptor, &last) == "before");  // what came still counts
  CHECK(last == IoStatus::failed);
  CHECK(pair.acceptor->failure().code == ErrorCode::connection_reset);
}

TEST_CASE("tls stream: a changed record fails, and both ends learn it") {
  const TlsRig rig;
  for (const std::size_t at : {std::size_t{5}, std::size_t{12}, std::size_t{26}}) {
    TlsPair pair = quiet_pair(rig);
    REQUIRE(send(*pair.dialler, "hello"));
    pair.wire.to_right->bytes[at] ^= std::byte{1};
    IoStatus last = IoStatus::done;
    CHECK(receive(*pair.acceptor, &last).empty());
    CHECK(last == IoStatus::failed);
    CHECK(pair.acceptor->failure().code == ErrorCode::tls_failed);
    CHECK(pair.acceptor->failure().detail == "a TLS record was changed on its way");
    CHECK(receive(*pair.dialler, &last).empty());
    CHECK(last == IoStatus::failed);
    CHECK(pair.dialler->failure().detail.find("changed on its way") != std::string::npos);
  }
}

TEST_CASE("tls stream: nothing to write and nowhere to read are no failures") {
  const TlsRig rig;
  TlsPair pair = quiet_pair(rig);
  CHECK(pair.dialler->write({}).bytes == 0);
  const Pieces empty(3);
  CHECK(pair.dialler->write(empty).bytes == 0);
  CHECK(pair.acceptor->read({}, {}).status == IoStatus::blocked);
  CHECK(talk(pair));
}

TEST_CASE("tls: a step of the handshake that has only taken in a few bytes is told from others") {
  const TlsRig rig;
  LoneEnd dialler(rig, TlsRole::dialler);
  REQUIRE(dialler.session->handshake() == IoStatus::blocked);
  CHECK(dialler.session->has_moved_on());
  CHECK(dialler.session->handshake() == IoStatus::blocked);
  CHECK_FALSE(dialler.session->has_moved_on());
  const auto hello = dialler.wire.to_right->bytes;
  REQUIRE(hello.size() > 100);

  LoneEnd acceptor(rig, TlsRole::acceptor);
  for (std::size_t i = 0; i < hello.size(); ++i) {
    CAPTURE(i);
    acceptor.wire.to_left->bytes.push_back(hello[i]);
    REQUIRE(acceptor.session->handshake() == IoStatus::blocked);
    CHECK(acceptor.session->has_moved_on() == (i + 1 == hello.size()));
  }
}

}  // namespace
}  // namespace tickwire::test
