// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "test/support/packet_kit.hpp"
#include "test/support/session_pair.hpp"

/// Who may come back to a connection, and what a claim to be somebody is checked for.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::ResumeToken;
using detail::ResumeWords;
using detail::SessionState;
using test::SessionPair;
using test::SessionPlan;

namespace {

constexpr detail::LinkTraits kPrivate{.max_packet_bytes = 1200,
                                      .max_datagram_bytes = 1200,
                                      .loses_datagrams = true,
                                      .is_private = true};

SessionPlan resumable(Direction direction) {
  SessionPlan plan = SessionPair::settings(direction);
  plan.timeouts.resume_window = 10s;
  plan.random = [count = 0](std::span<std::byte> bytes) mutable {
    ++count;
    for (std::byte& each : bytes)
      each = static_cast<std::byte>(count);
    return true;
  };
  plan.start.slot = 3;
  return plan;
}

/// What the acceptor's `random` made for the nth time.
ResumeToken token(int number) {
  ResumeToken made;
  made.bytes.fill(static_cast<std::byte>(number));
  detail::store(made.bytes.data(), std::uint32_t{3});
  return made;
}

struct ResumablePair : SessionPair {
  explicit ResumablePair(SessionPlan dialled = resumable(Direction::dialled),
                         SessionPlan accepted = resumable(Direction::accepted))
      : SessionPair(std::move(dialled), std::move(accepted), kPrivate) {
    connect();
    for (int i = 0; i < 3; ++i)
      REQUIRE(dialler.send("before") == ErrorCode::none);
    advance(50ms);
  }
  /// The acceptor is come back to with this token, by somebody who has taken so many messages.
  void come_back(const ResumeToken& shown, std::uint32_t taken) {
    ResumeWords words;
    words.token = shown;
    words.point = detail::ResumePoint{0, 1 << 20, {{0, taken}}};
    acceptor.session.resume(words, kPrivate, now);
  }
};

}  // namespace

TEST_CASE("a token is good for one return, and the old one until the new one has surely arrived") {
  ResumablePair pair;
  CHECK(pair.acceptor.session.knows(token(1)));
  CHECK_FALSE(pair.acceptor.session.knows(token(2)));
  CHECK_FALSE(pair.acceptor.session.knows(ResumeToken()));
  CHECK_FALSE(pair.dialler.session.knows(token(1)));

  pair.dialler.session.link_down({ErrorCode::connection_reset, 0, {}}, pair.now);
  CHECK(pair.dialler.session.state() == SessionState::interrupted);
  CHECK(pair.dialler.session.wants_call());
  pair.come_back(token(1), 0);
  CHECK(pair.acceptor.session.state() == SessionState::interrupted);
  CHECK(pair.acceptor.session.knows(token(1)));
  CHECK(pair.acceptor.session.knows(token(2)));

  // Its WELCOME gets lost with the link, and the dialler comes again as who it was.
  pair.acceptor.session.link_down({ErrorCode::connection_reset, 0, {}}, pair.now);
  pair.come_back(token(1), 0);
  CHECK(pair.acceptor.session.knows(token(1)));
  CHECK(pair.acceptor.session.knows(token(3)));
  CHECK_FALSE(pair.acceptor.session.knows(token(2)));
  pair.dialler.session.link_up(kPrivate);
  // What it greets with went to the host, which asked for the return above.
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  pair.dialler.sink.packets.clear();
  pair.advance(50ms);
  CHECK(pair.dialler.session.state() == SessionState::open);
  CHECK(pair.acceptor.session.state() == SessionState::open);
  CHECK(pair.acceptor.session.knows(token(3)));
  CHECK_FALSE(pair.acceptor.session.knows(token(1)));
  CHECK(pair.acceptor.count(EventType::resumed) == 1);
  CHECK(pair.dialler.count(EventType::resumed) == 1);
}

TEST_CASE("who comes back with the newer token may come again with it when the answer gets lost") {
  ResumablePair pair;
  // The first WELCOME arrives, and READY is lost with the link.
  pair.come_back(token(1), 0);
  REQUIRE(pair.acceptor.session.knows(token(2)));
  pair.acceptor.session.link_down({ErrorCode::connection_reset, 0, {}}, pair.now);
  // The second one does not arrive: the dialler still has nothing but what the first one said.
  pair.come_back(token(2), 0);
  CHECK(pair.acceptor.session.knows(token(2)));
  CHECK(pair.acceptor.session.knows(token(3)));
  CHECK_FALSE(pair.acceptor.session.knows(token(1)));
  pair.acceptor.session.link_down({ErrorCode::connection_reset, 0, {}}, pair.now);
  pair.come_back(token(2), 0);
  CHECK(pair.acceptor.session.knows(token(2)));
  CHECK(pair.acceptor.session.knows(token(4)));
  CHECK_FALSE(pair.acceptor.session.knows(token(3)));
}

TEST_CASE("a claim to have taken what was never sent ends the connection") {
  ResumablePair pair;
  pair.come_back(token(1), 1);
  CHECK(pair.acceptor.session.state() == SessionState::ended);
  pair.acceptor.take_events();
  CHECK(pair.acceptor.events.back().type == EventType::disconnected);
  CHECK(pair.acceptor.events.back().error.code == ErrorCode::protocol_violation);
  CHECK_FALSE(pair.acceptor.session.knows(token(1)));
}

TEST_CASE("without random numbers, or over a link that others can read, no token is given") {
  SessionPlan accepted = resumable(Direction::accepted);
  SUBCASE("no random numbers") {
    accepted.random = [](std::span<std::byte>) { return false; };
  }
  SUBCASE("the acceptor does not come back") {
    accepted.timeouts.resume_window.reset();
  }
  ResumablePair pair(resumable(Direction::dialled), std::move(accepted));
  CHECK_FALSE(pair.acceptor.session.knows(token(1)));
  pair.dialler.session.link_down({ErrorCode::connection_reset, 0, {}}, pair.now);
  CHECK(pair.dialler.session.state() == SessionState::ended);
}

TEST_CASE("a way back that nobody takes closes with the window") {
  ResumablePair pair;
  pair.acceptor.session.link_down({ErrorCode::connection_reset, 104, "Cut."}, pair.now);
  CHECK(pair.acceptor.session.next_deadline() == pair.now + 10s);
  pair.acceptor.session.advance(pair.now + 10s - 1ns);
  CHECK(pair.acceptor.session.state() == SessionState::interrupted);
  pair.acceptor.session.advance(pair.now + 10s);
  CHECK(pair.acceptor.session.state() == SessionState::ended);
  pair.acceptor.take_events();
  CHECK(pair.acceptor.events.back().error.code == ErrorCode::connection_reset);
  CHECK(pair.acceptor.events.back().error.message() == "Cut.");
  CHECK_FALSE(pair.acceptor.session.knows(token(1)));
}

TEST_CASE("a token that nobody asked for is no way back") {
  SessionPlan dialled = resumable(Direction::dialled);
  dialled.timeouts.resume_window.reset();
  test::SessionEnd end(dialled, TimePoint(1h));
  end.session.link_up(kPrivate);
  static_cast<void>(test::flushed(end));
  test::inject(
      end,
      test::control_packet().record(
          0x11,
          test::ByteKit().bytes(test::welcome_body()).u16(0x0002).block(std::string(32, 'r'))));
  REQUIRE(end.session.is_open());
  end.session.link_down({ErrorCode::connection_reset, 0, {}}, end.now);
  CHECK(end.session.state() == SessionState::ended);
}
