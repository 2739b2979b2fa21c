// SPDX-License-Identifier: MIT
#include "test/fuzz/recorded_packets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string>

#include "test/support/session_pair.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kChannels = 3;
constexpr std::uint64_t kMessages = 4 * kChannels + 3;

/// Two sessions; what one of them receives is kept.
class Studio {
 public:
  explicit Studio(Direction receiver)
      : receives_(receiver == Direction::dialled ? &dialler_ : &acceptor_) {
    dialler_.session.link_up(SessionPair::traits);
    acceptor_.session.link_up(SessionPair::traits);
  }

  Recording record() {
    Recording recording;
    into_ = &recording.greeting;
    pump(4);
    REQUIRE(dialler_.session.is_open());
    REQUIRE(acceptor_.session.is_open());
    into_ = &recording.talk;
    talk();
    pump(60);
    come_back(recording);
    REQUIRE(dialler_.count(EventType::resumed) == 1);
    REQUIRE(acceptor_.count(EventType::resumed) == 1);
    into_ = &recording.talk_again;
    talk();
    pump(60);
    into_ = &recording.goodbye;
    other().session.close({0x1234, "that was all"}, now_);
    pump(20);
    REQUIRE(dialler_.count(EventType::disconnected) == 1);
    REQUIRE(acceptor_.count(EventType::disconnected) == 1);
    return recording;
  }

 private:
  [[nodiscard]] SessionEnd& other() { return receives_ == &dialler_ ? acceptor_ : dialler_; }

  void talk() {
    for (SessionEnd* each : {&dialler_, &acceptor_}) {
      const std::uint64_t before = each->session.stats().messages_sent;
      say_recorded(each->session, now_);
      REQUIRE(each->session.stats().messages_sent == before + kMessages);
    }
  }

  void carry(SessionEnd& from, SessionEnd& to) {
    from.session.flush(from.sink, now_);
    while (!from.sink.packets.empty()) {
      InFlight next = from.sink.packets.take_front();
      const auto bytes = next.packet.bytes();
      if (&to == receives_) into_->emplace_back(bytes.begin(), bytes.end());
      to.session.receive(std::move(next.packet), now_);
    }
  }

  void pump(int times) {
    for (; times > 0; --times) {
      carry(dialler_, acceptor_);
      carry(acceptor_, dialler_);
      now_ += 20ms;
      for (SessionEnd* each : {&dialler_, &acceptor_}) {
        each->now = now_;
        each->session.advance(now_);
        each->take_events();
      }
    }
  }

  // The dialler greets somebody new at the other end, as over a new link.
  void come_back(Recording& recording) {
    into_ = &recording.greeting_again;
    for (SessionEnd* each : {&dialler_, &acceptor_})
      each->session.link_down({ErrorCode::connection_reset, 0, "cut"}, now_);
    dialler_.session.link_up(SessionPair::traits);
    SessionEnd door(recorded_plan(Direction::accepted), now_);
    door.session.link_up(SessionPair::traits);
    dialler_.session.flush(dialler_.sink, now_);
    REQUIRE(dialler_.sink.packets.size() == 1);
    InFlight hello = dialler_.sink.packets.take_front();
    const auto bytes = hello.packet.bytes();
    if (receives_ == &acceptor_) into_->emplace_back(bytes.begin(), bytes.end());
    door.session.receive(std::move(hello.packet), now_);
    REQUIRE(door.session.asks_to_resume() != nullptr);
    REQUIRE(acceptor_.session.knows(*door.session.asks_to_resume()->token));
    acceptor_.session.resume(*door.session.asks_to_resume(), SessionPair::traits, now_);
    pump(2);
  }

  TimePoint now_{std::chrono::hours(1)};
  SessionEnd dialler_{recorded_plan(Direction::dialled), now_};
  SessionEnd acceptor_{recorded_plan(Direction::accepted), now_};
  SessionEnd* receives_;
  std::vector<Bytes>* into_ = nullptr;
};

}  // namespace

SessionPlan recorded_plan(Direction direction) {
  SessionPlan plan = SessionPair::settings(direction);
  plan.channels.resize(kChannels);
  plan.self.channels = kChannels;
  plan.limits.max_send_queue_bytes = 100'000;
  plan.limits.receive_window_bytes = 128 * 1024;
  plan.limits.max_message_bytes = 3000;
  plan.limits.max_reassembly_bytes = 3064;
  plan.limits.max_unreliable_queue.bytes = 8192;
  plan.self.receive_window_bytes = 128 * 1024;
  plan.self.max_message_bytes = 3000;
  plan.timeouts.resume_window = 10s;
  plan.resume_over = ResumeOver::any;
  plan.random = [](std::span<std::byte> bytes) {
    std::fill(bytes.begin(), bytes.end(), std::byte{0x5a});
    return true;
  };
  plan.start.slot = 3;
  plan.start.name = "ann";
  return plan;
}

void say_recorded(detail::Session& session, TimePoint now) {
  MessageId id = 0;
  static const std::vector<std::byte> payload(3000, std::byte{'x'});
  static const std::vector<std::byte> metadata(5, std::byte{'m'});
  const auto say = [&](Delivery delivery, std::uint8_t channel, std::size_t bytes) {
    detail::OutMessage message;
    message.body.is_object = id % 2 == 0;
    message.body.type = 77;
    message.body.payload = std::span(payload).first(bytes);
    if (id % 3 == 0) message.body.metadata = metadata;
    message.id = ++id;
    static_cast<void>(session.send(message, delivery, channel, now));
  };
  for (std::uint8_t channel = 0; channel < kChannels; ++channel) {
    for (const std::size_t bytes : {1u, 300u})
      say(Delivery::reliable, channel, bytes);
    say(Delivery::sequenced, channel, 20);
    say(Delivery::unreliable, channel, 500);
  }
  // Each has to wait for the memory of the one before.
  for (std::uint8_t channel = 0; channel < 3; ++channel)
    say(Delivery::reliable, channel, 2600);
}

Recording record(Direction receiver) {
  return Studio(receiver).record();
}

}  // namespace tickwire::test
