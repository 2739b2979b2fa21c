// SPDX-License-Identifier: MIT
#include <chrono>
#include <string_view>

#include "test/instructions/moved.hpp"
#include "test/instructions/work.hpp"
#include "test/support/session_pair.hpp"

namespace tickwire::test {
namespace {

class SessionWork final : public Work {
 public:
  SessionWork() { pair_.connect(); }

  void run(std::size_t messages) override {
    const std::size_t passes = (messages + 2 * kBundle - 1) / (2 * kBundle);
    received_ = 0;
    for (std::size_t i = 0; i < passes; ++i)
      pass();
    // What the last pass sent has been delivered by it.
    expect(received_ == passes * 2 * kBundle, "a message did not arrive");
  }

 private:
  static constexpr std::size_t kBundle = 8;  // messages of each end in a pass
  static constexpr std::string_view kText = "a small message of 32 characters";

  // As `SessionPair::pump`, which also writes down every event as text.
  void pass() {
    pair_.now += std::chrono::milliseconds(1);
    SessionEnd* const ends[] = {&pair_.dialler, &pair_.acceptor};
    for (SessionEnd* end : ends) {
      end->now = pair_.now;
      for (std::size_t i = 0; i < kBundle; ++i)
        expect(end->send(kText) == ErrorCode::none, "a message was refused");
      end->session.flush(end->sink, pair_.now);
    }
    pair_.deliver(pair_.dialler, pair_.acceptor);
    pair_.deliver(pair_.acceptor, pair_.dialler);
    for (SessionEnd* end : ends) {
      end->session.advance(pair_.now);
      take_events(*end);
    }
  }

  void take_events(SessionEnd& end) {
    for (detail::Held held;; held = {}) {
      Event event;
      if (!end.session.take_event(event, held)) break;
      end.session.release(held);
      if (event.type == EventType::object_received && event.bytes().size() == kText.size())
        ++received_;
    }
  }

  SessionPair pair_;
  std::size_t received_ = 0;
};

}  // namespace

std::unique_ptr<Work> make_session_work() {
  return std::make_unique<SessionWork>();
}

}  // namespace tickwire::test
