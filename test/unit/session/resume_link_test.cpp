// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "lib/transport/enet/enet_profile.hpp"
#include "test/support/session_pair.hpp"

/// Links that a session loses, and what others take that it goes on over.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::LinkTraits;
using detail::SessionState;
using test::SessionPair;
using test::SessionPlan;

namespace {

// A path with a large MTU, one with the least, and a stream.
constexpr LinkTraits kWide{4056, 4056, true, false, true};
constexpr LinkTraits kNarrow{1248, 1248, true, false, true};
constexpr LinkTraits kStream{64 * 1024, 1280, false, true, true};

static_assert(detail::kMinMtuBytes - detail::kEnetOverheadBytes >= detail::kLeastLossyPacketBytes,
              "every link of ENet takes what is kept");

SessionPlan resumable(Direction direction) {
  SessionPlan plan = SessionPair::settings(direction);
  plan.timeouts.resume_window = 60s;
  plan.random = [](std::span<std::byte> bytes) {
    std::fill(bytes.begin(), bytes.end(), std::byte{'r'});
    return true;
  };
  return plan;
}

detail::ResumeWords words() {
  detail::ResumeWords words;
  words.token.emplace().bytes.fill(std::byte{'r'});
  detail::store(words.token->bytes.data(), std::uint32_t{0});
  words.point = detail::ResumePoint{0, 1 << 20, {}};
  return words;
}

/// Large and small messages of every delivery.
void say(test::SessionEnd& end) {
  for (int i = 0; i < 80; ++i)
    REQUIRE(end.send(std::string(100, 'a')) == ErrorCode::none);
  REQUIRE(end.send(std::string(9000, 'b'), Delivery::reliable, 1) == ErrorCode::none);
  for (int i = 0; i < 4; ++i)
    REQUIRE(end.send(std::string(600, 'c'), Delivery::unreliable, 2) == ErrorCode::none);
}

/// The largest packet that leaves now; none of them arrives.
std::size_t largest(test::SessionEnd& end) {
  end.session.flush(end.sink, end.now);
  std::size_t bytes = 0;
  while (!end.sink.packets.empty())
    bytes = std::max(bytes, end.sink.packets.take_front().packet.size());
  return bytes;
}

void cut(test::SessionEnd& end) {
  end.session.link_down({ErrorCode::connection_reset, 0, {}}, end.now);
}

/// The dialler comes back; the door's part is the test's.
void come_back(SessionPair& pair, const LinkTraits& link) {
  pair.dialler.session.link_up(link);
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  pair.dialler.sink.packets.clear();
  pair.acceptor.session.resume(words(), link, pair.now);
}

struct ResumablePair : SessionPair {
  explicit ResumablePair(const LinkTraits& link)
      : SessionPair(resumable(Direction::dialled), resumable(Direction::accepted), link) {
    connect();
    advance(20ms);
  }
};

}  // namespace

TEST_CASE("what may have to leave again is in packets that every lossy link takes") {
  ResumablePair pair(kWide);
  say(pair.acceptor);
  CHECK(largest(pair.acceptor) <= kNarrow.max_packet_bytes);
  say(pair.acceptor);
  cut(pair.acceptor);
  cut(pair.dialler);
  come_back(pair, kNarrow);
  pair.acceptor.session.flush(pair.acceptor.sink, pair.now);
  pair.deliver(pair.acceptor, pair.dialler);
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  pair.deliver(pair.dialler, pair.acceptor);
  CHECK(pair.acceptor.session.state() == SessionState::open);
  CHECK(pair.acceptor.session.stats().messages_sent_again == 81);
  pair.acceptor.session.flush(pair.acceptor.sink, pair.now);
  for (std::size_t i = 0; i < pair.acceptor.sink.packets.size(); ++i)
    CHECK(pair.acceptor.sink.packets[i].packet.size() <= kNarrow.max_packet_bytes);
  pair.deliver(pair.acceptor, pair.dialler);
  pair.advance(20ms);
  CHECK(pair.dialler.count(EventType::object_received) >= 162);
}

TEST_CASE("a session that does not come back fills the packets of its link") {
  SessionPair pair(SessionPair::settings(Direction::dialled),
                   SessionPair::settings(Direction::accepted), kWide);
  pair.connect();
  say(pair.acceptor);
  CHECK(largest(pair.acceptor) > 3900);
}

TEST_CASE("a stream that may come back has packets of the usual size") {
  ResumablePair pair(kStream);
  CHECK(pair.acceptor.send(std::string(100'000, 'x')) == ErrorCode::none);
  pair.acceptor.session.flush(pair.acceptor.sink, pair.now);
  CHECK(pair.acceptor.sink.packets.front().packet.size() > 60'000);
}

TEST_CASE("nobody comes back over a link whose packets are smaller than those that were used") {
  ResumablePair pair(kStream);
  say(pair.acceptor);
  CHECK(largest(pair.acceptor) > kNarrow.max_packet_bytes);
  cut(pair.acceptor);
  pair.acceptor.session.resume(words(), kNarrow, pair.now);
  CHECK(pair.acceptor.session.state() == SessionState::ended);
  CHECK_FALSE(pair.acceptor.session.wants_link_closed());  // not before it has said so
  pair.acceptor.session.flush(pair.acceptor.sink, pair.now);
  CHECK(pair.acceptor.session.wants_link_closed());
  REQUIRE(pair.acceptor.sink.packets.size() == 1);

  auto refusal = pair.acceptor.sink.packets.take_front().packet;
  REQUIRE(detail::wire::take_header(refusal));
  detail::ByteCursor cursor(refusal.bytes());
  const auto record = detail::wire::next_record(cursor);
  REQUIRE(record);
  CHECK(record->kind == static_cast<std::uint8_t>(detail::wire::Kind::refuse));
  const auto said = detail::decode_refusal(record->body);
  REQUIRE(said);
  CHECK(said->code == ErrorCode::not_resumable);
  pair.acceptor.take_events();
  CHECK(pair.acceptor.events.back().type == EventType::disconnected);
  CHECK(pair.acceptor.events.back().error.code == ErrorCode::connection_reset);

  // The end that dials does not even ask.
  cut(pair.dialler);
  pair.dialler.session.link_up(kNarrow);
  CHECK(pair.dialler.session.state() == SessionState::ended);
  CHECK(largest(pair.dialler) == 0);
  pair.dialler.take_events();
  CHECK(pair.dialler.events.back().error.code == ErrorCode::connection_reset);
}

TEST_CASE("while a link is away, half a message and what waits hold no memory") {
  SessionPlan accepted = resumable(Direction::accepted);
  accepted.limits.max_message_bytes = 1 << 20;
  accepted.limits.max_reassembly_bytes = 1 << 20;
  accepted.limits.max_host_reassembly_bytes = 1 << 20;
  SessionPair pair(resumable(Direction::dialled), accepted, kStream);
  pair.connect();
  const std::string large = std::string(900'000, 'x');
  REQUIRE(pair.dialler.send(large) == ErrorCode::none);
  REQUIRE(pair.dialler.send(large, Delivery::reliable, 1) == ErrorCode::none);
  pair.dialler.sink.capacity = 200'000;
  pair.dialler.sink.fills_up = true;
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  pair.deliver(pair.dialler, pair.acceptor);
  std::vector<detail::Unfinished> unfinished;
  pair.acceptor.session.list_unfinished(unfinished);
  REQUIRE(unfinished.size() == 1);
  REQUIRE(pair.acceptor.session.has_parked());

  cut(pair.acceptor);
  CHECK(pair.acceptor.session.state() == SessionState::interrupted);
  CHECK_FALSE(pair.acceptor.session.has_parked());
  unfinished.clear();
  pair.acceptor.session.list_unfinished(unfinished);
  CHECK(unfinished.empty());
  CHECK(pair.acceptor.budget.reserve(1 << 20));
  pair.acceptor.budget.release(1 << 20);

  // All of it comes again.
  cut(pair.dialler);
  pair.dialler.sink.fills_up = false;
  pair.dialler.sink.capacity = 1 << 24;
  come_back(pair, kStream);
  pair.advance(200ms);
  CHECK(pair.acceptor.texts() == std::vector<std::string>{large, large});
  CHECK(pair.dialler.session.state() == SessionState::open);
}
