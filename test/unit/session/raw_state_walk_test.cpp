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

#include "lib/session/raw_session.hpp"
#include "test/unit/session/state_rows.hpp"

/// Every transition of a raw session in docs/state-machine.md, walked.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::SessionState;
using test::event_name;
using test::joined;
using test::row;
using test::state_of;

namespace {

/// A raw session, and a peer that is the test.
class RawWalk {
 public:
  explicit RawWalk(Direction direction) : session_(settings(), start(direction), *pool_, now_) {}

  [[nodiscard]] detail::RawSession& session() { return session_; }

  void link_up() { session_.link_up({16 * 1024, 0, false}); }
  void link_down() { session_.link_down({ErrorCode::connection_reset, 0, "cut"}, now_); }
  void fail() { session_.fail({ErrorCode::socket_failed, 0, "no more sockets"}); }
  void close() { session_.close({}, now_); }
  void end_of_stream() { session_.end_of_stream(now_); }
  void no_room() { sink_.capacity = 0; }
  void room() { sink_.capacity = 1 << 20; }
  void give() {
    detail::Packet packet(*pool_, 4);
    packet.append(detail::as_bytes("word"));
    session_.receive(std::move(packet), now_);
  }
  void send() {
    detail::OutMessage message;
    message.body.payload = detail::as_bytes("word");
    message.id = 1;
    REQUIRE(session_.send(message, std::nullopt, 0, now_) == ErrorCode::none);
  }
  void wait(Duration by) {
    now_ += by;
    session_.advance(now_);
  }

  void reach(SessionState state) {
    if (state == SessionState::waiting_for_link) return;
    link_up();
    say();
    if (state == SessionState::closing) {
      no_room();
      send();
      close();
    }
    if (state == SessionState::ended) fail();
    say();
  }

  std::string say() {
    session_.flush(sink_, now_);
    std::vector<std::string> words;
    for (detail::Held held;; held = {}) {
      Event event;
      if (!session_.take_event(event, held)) break;
      session_.release(held);
      test::SeenEvent seen;
      seen.type = event.type;
      seen.error = event.error;
      words.push_back(event_name(seen));
    }
    std::erase(words, std::string());
    // The last bytes are taken: what waited for that is seen at the next flush.
    return joined(words);
  }

 private:
  static std::shared_ptr<const detail::SessionSettings> settings() {
    return std::make_shared<detail::SessionSettings>(
        test::SessionPair::settings(Direction::dialled));
  }
  static detail::SessionStart start(Direction direction) {
    detail::SessionStart start;
    start.direction = direction;
    start.connect_timeout = 5s;
    return start;
  }

  TimePoint now_{1h};
  detail::PoolOwner pool_{std::pmr::get_default_resource()};
  detail::RawSession session_;
  test::CapturingSink sink_;
};

struct RawStep {
  std::string state;
  std::string input;
  SessionState next;
  std::string out;
  std::function<void(RawWalk&)> take;
};

std::vector<RawStep> raw_steps() {
  using S = SessionState;
  const auto link_down = [](RawWalk& walk) { walk.link_down(); };
  const auto close = [](RawWalk& walk) { walk.close(); };
  const auto fail = [](RawWalk& walk) { walk.fail(); };
  const std::string local = "`disconnected` (closed_locally)";
  const std::string reset = "`disconnected` (connection_reset)";
  return {
      {"waiting_for_link", "link up", S::open, "`connected`", [](RawWalk& w) { w.link_up(); }},
      {"waiting_for_link, dialled", "link down", S::ended, "`error` (connection_reset)", link_down},
      {"waiting_for_link, dialled", "`connect` over", S::ended, "`error` (connect_timed_out)",
       [](RawWalk& w) { w.wait(5s); }},
      {"waiting_for_link, dialled", "`close()`", S::ended, "`error` (closed_locally)", close},
      {"waiting_for_link, dialled", "a failure of this end", S::ended, "`error` (socket_failed)",
       fail},
      {"waiting_for_link, accepted", "refused by the host", S::ended, "nothing",
       [](RawWalk& w) { w.session().refuse(ErrorCode::server_full); }},
      {"open", "`close()`", S::ended, local, close},
      {"open", "`close()`, something is queued", S::closing, "nothing",
       [](RawWalk& w) {
         w.no_room();
         w.send();
         w.close();
       }},
      {"open", "end of stream", S::ended, "`disconnected` (closed_by_peer)",
       [](RawWalk& w) { w.end_of_stream(); }},
      {"open", "end of stream, bytes are not taken", S::open, "the message",
       [](RawWalk& w) {
         w.give();
         w.end_of_stream();
       }},
      {"open", "end of stream, something is queued", S::open, "nothing",
       [](RawWalk& w) {
         w.no_room();
         w.send();
         w.end_of_stream();
       }},
      {"open", "link down", S::ended, reset, link_down},
      {"open", "a failure of this end", S::ended, "`disconnected` (socket_failed)", fail},
      {"closing", "all has left", S::ended, local, [](RawWalk& w) { w.room(); }},
      {"closing", "`linger` over", S::ended, local, [](RawWalk& w) { w.wait(2s); }},
      {"closing", "link down", S::ended, reset, link_down},
      {"closing", "`close()`", S::closing, "nothing", close},
      {"closing", "a failure of this end", S::ended, "`disconnected` (socket_failed)", fail},
      {"ended", "link up", S::ended, "nothing", [](RawWalk& w) { w.link_up(); }},
      {"ended", "a packet", S::ended, "nothing", [](RawWalk& w) { w.give(); }},
      {"ended", "link down", S::ended, "nothing", link_down},
      {"ended", "`close()`", S::ended, "nothing", close},
      {"ended", "a failure of this end", S::ended, "nothing", fail},
      {"ended", "time", S::ended, "nothing", [](RawWalk& w) { w.wait(1h); }},
  };
}

}  // namespace

TEST_CASE("every transition of a raw session is as its row says") {
  for (const RawStep& step : raw_steps()) {
    for (const Direction direction : test::ends_of(step.state)) {
      INFO(row(step), std::string(direction == Direction::dialled ? " dialled" : " accepted"));
      RawWalk walk(direction);
      walk.reach(state_of(step.state));
      REQUIRE(walk.session().state() == state_of(step.state));
      step.take(walk);
      const std::string out = walk.say();
      CHECK(walk.session().state() == step.next);
      CHECK(out == step.out);
    }
  }
}
TEST_CASE("the page about states has the rows of a raw session, and no others") {
  test::compare_with_page("## Raw streams", raw_steps());
}
