// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "test/support/packet_kit.hpp"
#include "test/unit/session/state_rows.hpp"

/// Every transition of a session of messages in docs/state-machine.md, walked.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::SessionState;
using test::ByteKit;
using test::Bytes;
using test::event_name;
using test::joined;
using test::row;
using test::state_of;

namespace {

std::string record_name(std::uint8_t kind) {
  switch (static_cast<detail::wire::Kind>(kind)) {
    case detail::wire::Kind::hello:
      return "HELLO";
    case detail::wire::Kind::welcome:
      return "WELCOME";
    case detail::wire::Kind::refuse:
      return "REFUSE";
    case detail::wire::Kind::ready:
      return "READY";
    case detail::wire::Kind::close:
      return "CLOSE";
    case detail::wire::Kind::close_ack:
      return "CLOSE_ACK";
    default:
      return {};  // what an open connection says all the time
  }
}
// What this end gives as a token is made of the same bytes, but for the slot.
const std::string kToken(32, 't');

Bytes hello(std::string_view application = "test/1", bool resumable = false) {
  ByteKit body;
  body.text("TKIW").u8(2).u8(2).block(application).block("").u32(1 << 20).u32(16 << 20).u8(8);
  if (resumable) body.u16(2).block("");
  return test::control_packet().record(0x10, body);
}

Bytes hello_again() {
  ByteKit body;
  body.text("TKIW").u8(2).u8(2).block("test/1").block("").u32(1 << 20).u32(16 << 20).u8(8);
  body.u16(2).block(kToken).u16(0x8003).block(std::string(16, '\0'));
  return test::control_packet().record(0x10, body);
}

Bytes welcome(bool resumable = false) {
  ByteKit body;
  body.u8(2).u32(1 << 20).u32(16 << 20).u8(8);
  if (resumable) body.u16(2).block(kToken);
  return test::control_packet().record(0x11, body);
}

Bytes welcome_again() {
  return test::control_packet().record(
      0x11, ByteKit().u8(2).u32(1 << 20).u32(16 << 20).u8(8).u16(2).block(kToken).u16(0x8003).block(
                std::string(16, '\0')));
}

Bytes refuse() {
  return test::control_packet().record(0x12,
                                       ByteKit()
                                           .u16(static_cast<std::uint16_t>(ErrorCode::server_full))
                                           .u8(2)
                                           .u8(2)
                                           .block("")
                                           .block("")
                                           .block(""));
}
Bytes ready() {
  return test::control_packet().record(0x13, {});
}
Bytes message() {
  return test::reliable_packet(0, 0).record(0x01, ByteKit().u32(5).text("word"));
}
Bytes close_record(std::uint32_t messages) {
  ByteKit body;
  body.u16(0x1000).block("bye");
  if (messages > 0) body.u8(0).u32(messages);
  return test::control_packet().record(0x20, body);
}
Bytes close_ack() {
  return test::control_packet().record(0x21, {});
}
Bytes ping() {
  return test::control_packet().record(0x32, ByteKit().u32(1));
}
Bytes garbage() {
  return ByteKit().u32(0xffffffff);
}
enum class Token : std::uint8_t { none, given };

constexpr detail::LinkTraits kSmaller{1100, 1100, true};

/// A session of messages with nobody at the other end but the test.
class Walk {
 public:
  Walk(Direction direction, Token token)
      : end_(plan(direction, token), TimePoint(1h)), direction_(direction), token_(token) {}

  static test::SessionPlan plan(Direction direction, Token token) {
    auto plan = test::SessionPair::settings(direction);
    if (token == Token::none) return plan;
    plan.timeouts.resume_window = 30s;
    plan.resume_over = ResumeOver::any;
    plan.random = [](std::span<std::byte> bytes) {
      std::fill(bytes.begin(), bytes.end(), std::byte{'t'});
      return true;
    };
    return plan;
  }

  [[nodiscard]] detail::MessageSession& session() { return end_.session; }
  [[nodiscard]] TimePoint now() const { return end_.now; }

  void link_up() { session().link_up(test::SessionPair::traits); }
  void link_down() { session().link_down({ErrorCode::connection_reset, 0, "cut"}, now()); }
  void fail() { session().fail({ErrorCode::socket_failed, 0, "no more sockets"}); }
  void close() { session().close({0x1000, "bye"}, now()); }
  void give(const Bytes& packet) { test::inject(end_, packet); }
  void wait(Duration by) {
    end_.now += by;
    session().advance(now());
  }
  void no_room() { end_.sink.capacity = 0; }
  void room() { end_.sink.capacity = 1 << 20; }
  void send() { REQUIRE(end_.send("word") == ErrorCode::none); }

  /// Somebody came back to it over another link.
  void come_back(std::uint32_t claims_taken = 0,
                 const detail::LinkTraits& link = test::SessionPair::traits) {
    detail::ResumeWords words;
    words.token.emplace().bytes.fill(std::byte{'t'});
    detail::store(words.token->bytes.data(), std::uint32_t{0});
    words.point.emplace();
    if (claims_taken > 0) words.point->taken.emplace_back(std::uint8_t{0}, claims_taken);
    REQUIRE(session().knows(*words.token));
    session().resume(words, link, now());
  }

  /// The shortest way to a state.
  void reach(SessionState state) {
    if (state == SessionState::waiting_for_link) return;
    link_up();
    say();
    if (state == SessionState::greeting) return;
    const bool resumable = token_ == Token::given;
    if (direction_ == Direction::accepted) {
      give(hello("test/1", resumable));
      say();
      if (state == SessionState::welcoming) return;
      give(ready());
    } else {
      give(welcome(resumable));
    }
    say();
    reach_from_open(state);
    say();
  }

  /// Closed, with something that cannot leave.
  void reach_stuck_closing() {
    reach(SessionState::open);
    no_room();
    send();
    close();
    say();
  }

  /// Lets what it has to send so far pass.
  void forget() { static_cast<void>(test::flushed(end_)); }

  /// What it sends and tells, since the last call.
  std::string say() {
    std::vector<std::string> words;
    for (const Bytes& packet : test::flushed(end_)) {
      if (packet.front() != std::byte{}) continue;
      detail::ByteCursor cursor(std::span<const std::byte>(packet).subspan(4));
      while (const auto record = detail::wire::next_record(cursor))
        words.push_back(record_name(record->kind));
    }
    end_.take_events();
    for (const test::SeenEvent& event : end_.events)
      words.push_back(event_name(event));
    end_.events.clear();
    std::erase(words, std::string());
    return joined(words);
  }

 private:
  void reach_from_open(SessionState state) {
    switch (state) {
      case SessionState::interrupted:
        return link_down();
      case SessionState::closing:
        return close();
      case SessionState::draining:
        return give(close_record(1));
      case SessionState::ended:
        return fail();
      default:
        return;
    }
  }

  test::SessionEnd end_;
  Direction direction_;
  Token token_;
};

/// One arrow of the state machine.
struct Step {
  std::string state;  ///< with its end, where that matters
  std::string input;
  SessionState next;
  std::string out;
  std::function<void(Walk&)> take;
  Token token = Token::none;
};

std::vector<Step> message_steps() {
  using S = SessionState;
  const auto link_down = [](Walk& walk) { walk.link_down(); };
  const auto close = [](Walk& walk) { walk.close(); };
  const auto fail = [](Walk& walk) { walk.fail(); };
  const auto broken = [](Walk& walk) { walk.give(garbage()); };
  const auto give = [](Bytes packet) { return [packet](Walk& walk) { walk.give(packet); }; };
  const auto wait = [](Duration by) { return [by](Walk& walk) { walk.wait(by); }; };
  const Duration deadline = 5s;
  const Duration idle = detail::deadly_silence(Timeouts());
  const Duration linger = 2s;
  const Duration window = 30s;
  const std::string local = "`disconnected` (closed_locally)";
  const std::string peer = "`disconnected` (closed_by_peer)";
  const std::string reset = "`disconnected` (connection_reset)";
  const std::string lost = "`disconnected` (connection_lost)";
  const std::string violation = "`disconnected` (protocol_violation)";
  return {
      {"waiting_for_link", "link up", S::greeting, "HELLO", [](Walk& w) { w.link_up(); }},
      {"waiting_for_link", "link down", S::ended, "`error` (connection_reset)", link_down},
      {"waiting_for_link", "`connect` over", S::ended, "`error` (connect_timed_out)",
       wait(deadline)},
      {"waiting_for_link", "`close()`", S::ended, "`error` (closed_locally)", close},
      {"waiting_for_link", "a failure of this end", S::ended, "`error` (socket_failed)", fail},

      {"greeting, dialled", "WELCOME", S::open, "READY, `connected`", give(welcome())},
      {"greeting, dialled", "WELCOME with a token", S::open, "READY, `connected`",
       give(welcome(true)), Token::given},
      {"greeting, dialled", "REFUSE", S::ended, "`error` (server_full)", give(refuse())},
      {"greeting, dialled", "link down", S::ended, "`error` (connection_reset)", link_down},
      {"greeting, dialled", "`connect` over", S::ended, "`error` (handshake_timed_out)",
       wait(deadline)},
      {"greeting, dialled", "`close()`", S::ended, "`error` (closed_locally)", close},
      {"greeting, dialled", "a failure of this end", S::ended, "`error` (socket_failed)", fail},
      {"greeting, dialled", "broken bytes", S::ended, "`error` (protocol_violation)", broken},
      {"greeting, dialled", "a message that may get lost", S::greeting, "nothing",
       give(test::data_packet(detail::wire::PacketLane::unreliable, 0, 0))},

      {"greeting, accepted", "HELLO", S::welcoming, "WELCOME", give(hello())},
      {"greeting, accepted", "HELLO that asks for a token", S::welcoming, "WELCOME",
       give(hello("test/1", true)), Token::given},
      {"greeting, accepted", "HELLO that does not fit", S::ended, "REFUSE", give(hello("other/1"))},
      {"greeting, accepted", "HELLO of another connection", S::greeting, "nothing",
       give(hello_again()), Token::given},
      {"greeting, accepted", "refused by the host", S::ended, "REFUSE",
       [](Walk& w) { w.session().refuse(ErrorCode::server_full); }},
      {"greeting, accepted", "refused by the host, HELLO", S::ended, "REFUSE",
       [](Walk& w) {
         w.session().refuse(ErrorCode::server_full);
         CHECK(w.session().state() == S::greeting);
         w.give(hello());
       },
       Token::given},
      {"greeting, accepted", "link down", S::ended, "nothing", link_down},
      {"greeting, accepted", "`handshake` over", S::ended, "nothing", wait(deadline)},
      {"greeting, accepted", "`close()`", S::ended, "REFUSE", close},
      {"greeting, accepted", "HELLO, `close()`", S::ended, "REFUSE",
       [](Walk& w) {
         w.give(hello());
         w.close();
       }},
      {"greeting, accepted", "broken bytes", S::ended, "nothing", broken},

      {"welcoming", "READY", S::open, "`connected`", give(ready())},
      {"welcoming", "a message", S::open, "`connected`, the message", give(message())},
      {"welcoming", "a control record", S::open, "`connected`", give(ping())},
      {"welcoming", "link down", S::ended, "nothing", link_down},
      {"welcoming", "link down, a token was given", S::ended, "nothing", link_down, Token::given},
      {"welcoming", "`handshake` over", S::ended, "nothing", wait(deadline)},
      {"welcoming", "`close()`", S::ended, "CLOSE", close},
      {"welcoming", "broken bytes", S::ended, "nothing", broken},

      {"open", "`close()`", S::closing, "CLOSE", close},
      {"open", "`close()`, something is queued", S::closing, "nothing",
       [](Walk& w) {
         w.no_room();
         w.send();
         w.close();
       }},
      {"open", "CLOSE, all messages are there", S::ended, "CLOSE_ACK, " + peer,
       give(close_record(0))},
      {"open", "CLOSE, messages are missing", S::draining, "nothing", give(close_record(1))},
      {"open", "link down", S::ended, reset, link_down},
      {"open", "link down, a token was given", S::interrupted, "`interrupted`", link_down,
       Token::given},
      {"open", "`idle` over", S::ended, lost, wait(idle)},
      {"open", "`idle` over, a token was given", S::interrupted, "`interrupted`", wait(idle),
       Token::given},
      {"open", "broken bytes", S::ended, violation, broken},
      {"open", "broken bytes, a token was given", S::ended, violation, broken, Token::given},
      {"open", "a failure of this end", S::ended, "`disconnected` (socket_failed)", fail},
      {"open, accepted", "the other end came back", S::interrupted, "WELCOME, `interrupted`",
       [](Walk& w) { w.come_back(); }, Token::given},
      {"open, accepted", "the other end came back, READY", S::open, "`interrupted`, `resumed`",
       [](Walk& w) {
         w.come_back();
         w.forget();
         w.give(ready());
       },
       Token::given},

      {"interrupted, dialled", "link up", S::interrupted, "HELLO", [](Walk& w) { w.link_up(); },
       Token::given},
      {"interrupted, dialled", "link up, WELCOME", S::open, "READY, `resumed`",
       [](Walk& w) {
         w.link_up();
         w.forget();
         w.give(welcome_again());
       },
       Token::given},
      {"interrupted, dialled", "link up, WELCOME to somebody else", S::ended, violation,
       [](Walk& w) {
         w.link_up();
         w.give(welcome(true));
       },
       Token::given},
      {"interrupted, dialled", "link up, REFUSE", S::ended, reset,
       [](Walk& w) {
         w.link_up();
         w.give(refuse());
       },
       Token::given},
      {"interrupted, dialled", "link up, link down", S::interrupted, "nothing",
       [](Walk& w) {
         w.link_up();
         w.forget();
         w.link_down();
         CHECK(w.session().wants_call());
       },
       Token::given},
      {"interrupted, dialled", "link up, for smaller packets", S::ended, reset,
       [](Walk& w) { w.session().link_up(kSmaller); }, Token::given},
      {"interrupted, dialled", "link up, broken bytes", S::ended, violation,
       [](Walk& w) {
         w.link_up();
         w.give(garbage());
       },
       Token::given},

      {"interrupted, accepted", "the other end came back", S::interrupted, "WELCOME",
       [](Walk& w) { w.come_back(); }, Token::given},
      {"interrupted, accepted", "the other end came back, READY", S::open, "`resumed`",
       [](Walk& w) {
         w.come_back();
         w.forget();
         w.give(ready());
       },
       Token::given},
      {"interrupted, accepted", "the other end came back, a message", S::open,
       "`resumed`, the message",
       [](Walk& w) {
         w.come_back();
         w.forget();
         w.give(message());
       },
       Token::given},
      {"interrupted, accepted", "the other end came back, link down", S::interrupted, "nothing",
       [](Walk& w) {
         w.come_back();
         w.forget();
         w.link_down();
       },
       Token::given},
      {"interrupted, accepted", "the other end came back, broken bytes", S::ended, violation,
       [](Walk& w) {
         w.come_back();
         w.give(garbage());
       },
       Token::given},
      {"interrupted, accepted", "the other end came back, for smaller packets", S::ended,
       "REFUSE, " + reset, [](Walk& w) { w.come_back(0, kSmaller); }, Token::given},
      {"interrupted, accepted", "the other end came back with a lie", S::ended, violation,
       [](Walk& w) { w.come_back(7); }, Token::given},

      {"interrupted", "`resume_window` over", S::ended, reset, wait(window), Token::given},
      {"interrupted", "`close()`", S::ended, local, close, Token::given},
      {"interrupted", "a failure of this end", S::ended, "`disconnected` (socket_failed)", fail,
       Token::given},

      {"closing, something is queued", "all has left", S::closing, "CLOSE",
       [](Walk& w) { w.room(); }},
      {"closing, something is queued", "`linger` over", S::closing, "CLOSE", wait(linger)},
      {"closing, something is queued", "CLOSE", S::closing, "CLOSE_ACK", give(close_record(0))},
      {"closing", "CLOSE_ACK", S::ended, local, give(close_ack())},
      {"closing", "CLOSE", S::closing, "CLOSE_ACK", give(close_record(0))},
      {"closing", "`linger` over", S::ended, local, wait(linger)},
      {"closing", "link down", S::ended, local, link_down},
      {"closing", "link down, a token was given", S::ended, local, link_down, Token::given},
      {"closing", "`idle` over", S::ended, local, wait(idle)},
      {"closing", "broken bytes", S::ended, violation, broken},
      {"closing", "`close()`", S::closing, "nothing", close},

      {"draining", "its last message", S::ended, "CLOSE_ACK, the message, " + peer,
       give(message())},
      {"draining", "link down", S::ended, peer, link_down},
      {"draining", "link down, a token was given", S::ended, peer, link_down, Token::given},
      {"draining", "`idle` over", S::ended, peer, wait(idle)},
      {"draining", "`idle` over since CLOSE", S::ended, peer,
       [](Walk& w) {
         for (int i = 0; i < 100; ++i) {
           w.give(ping());
           w.wait(100ms);
         }
       }},
      {"draining", "a second CLOSE", S::ended, violation, give(close_record(1))},
      {"draining", "broken bytes", S::ended, violation, broken},
      {"draining", "`close()`", S::draining, "nothing", close},

      {"ended", "a packet", S::ended, "nothing", give(message())},
      {"ended", "link down", S::ended, "nothing", link_down},
      {"ended", "`close()`", S::ended, "nothing", close},
      {"ended", "a failure of this end", S::ended, "nothing", fail},
      {"ended", "time", S::ended, "nothing", wait(1h)},
  };
}

}  // namespace

TEST_CASE("every transition of a session of messages is as its row says") {
  for (const Step& step : message_steps()) {
    const bool is_dialled_only = state_of(step.state) == SessionState::waiting_for_link;
    for (const Direction direction : test::ends_of(step.state)) {
      if (is_dialled_only && direction == Direction::accepted) continue;
      INFO(row(step), std::string(direction == Direction::dialled ? " dialled" : " accepted"));
      Walk walk(direction, step.token);
      if (step.state.ends_with(", something is queued")) {
        walk.reach_stuck_closing();
      } else {
        walk.reach(state_of(step.state));
      }
      REQUIRE(walk.session().state() == state_of(step.state));
      step.take(walk);
      const std::string out = walk.say();
      CHECK(walk.session().state() == step.next);
      CHECK(out == step.out);
    }
  }
}
TEST_CASE("every state is walked into and out of") {
  std::set<SessionState> from;
  std::set<SessionState> into;
  for (const Step& step : message_steps()) {
    from.insert(state_of(step.state));
    if (step.next != state_of(step.state)) into.insert(step.next);
  }
  for (const test::StateName& each : test::states()) {
    INFO(std::string(each.name));
    CHECK(from.contains(each.state));
    // Sessions begin in the first; an accepted one in the second.
    CHECK((into.contains(each.state) || each.state == SessionState::waiting_for_link));
  }
  CHECK(test::states().size() == static_cast<std::size_t>(SessionState::ended) + 1);
}
TEST_CASE("the page about states has the rows of a session of messages, and no others") {
  test::compare_with_page("## Messages", message_steps());
}
