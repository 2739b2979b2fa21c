// SPDX-License-Identifier: MIT
#include <chrono>

#include <tickwire/testing.hpp>
#include <tickwire/tickwire.hpp>

#include "test/instructions/moved.hpp"
#include "test/instructions/work.hpp"

namespace tickwire::test {
namespace {

class HostWork final : public Work {
 public:
  HostWork() {
    server_.on_update([this](const Tick&) { ++ticks_; });
    expect(server_.listen("memory://server").has_value(), "listen failed");
    const auto call = client_.connect("memory://server");
    expect(call.has_value(), "connect failed");
    connection_ = *call;
    for (int i = 0; i < 100 && !up_; ++i)
      pass();
    expect(up_, "the connection did not come up");
  }

  void run(std::size_t messages) override {
    const std::size_t passes = (messages + kBundle - 1) / kBundle;
    received_ = ticks_ = 0;
    for (std::size_t i = 0; i < passes; ++i) {
      for (std::size_t j = 0; j < kBundle; ++j)
        expect(client_.send(connection_, object_).has_value(), "a message was refused");
      pass();
    }
    expect(received_ == passes * kBundle, "a message did not arrive");
    expect(ticks_ == passes, "not every pass had one tick");
    expect(passes == 0 || decoded_ == object_, "what arrived is not what was sent");
  }

 private:
  static constexpr std::size_t kBundle = 8;  // messages in a pass
  static constexpr int kRate = 50;

  [[nodiscard]] HostConfig config() const {
    HostConfig config;
    config.application = "instructions/1";
    config.tick_rate_hz = kRate;
    config.clock = &clock_;
    config.memory_network = network_;
    return config;
  }

  void pass() {
    clock_.advance(std::chrono::milliseconds(1000 / kRate));
    while (const auto event = client_.poll())
      if (event->type == EventType::connected) up_ = true;
    while (const auto event = server_.poll())
      if (event->read(decoded_) == ErrorCode::none) ++received_;
  }

  ManualClock clock_;
  std::shared_ptr<MemoryNetwork> network_ = std::make_shared<MemoryNetwork>();
  Host server_{config()};
  Host client_{config()};
  Connection connection_;
  Moved object_ = some_move();
  Moved decoded_;
  std::size_t received_ = 0;
  std::size_t ticks_ = 0;
  bool up_ = false;
};

}  // namespace

std::unique_ptr<Work> make_host_work() {
  return std::make_unique<HostWork>();
}

}  // namespace tickwire::test
