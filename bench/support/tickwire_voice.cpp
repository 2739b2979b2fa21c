// SPDX-License-Identifier: MIT
#include "tickwire_voice.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "tickwire_host.hpp"
#include "usage.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;

// Both processes have the same clock.
std::int64_t now_ns() {
  return std::chrono::nanoseconds(SteadyClock::now().time_since_epoch()).count();
}

}  // namespace

void add_voice_channel(tickwire::HostConfig& config) {
  config.channels[kVoiceChannel] = {.delivery = tickwire::Delivery::sequenced, .priority = 10};
}

void Voice::speak(tickwire::Host& host) {
  if (SteadyClock::now() < next_) return;
  const std::int64_t stamp = now_ns();
  std::memcpy(words_.data(), &stamp, sizeof(stamp));
  if (auto sent = connection_.send_bytes(words_, {.channel = kVoiceChannel}); !sent)
    throw_error(sent.error());
  next_ += 20ms;
  host.flush();
}

tickwire::Duration Voice::until_next() const {
  return std::max<tickwire::Duration>(next_ - SteadyClock::now(), 0ns);
}

double late_ms(const tickwire::Event& event) {
  std::int64_t sent = 0;
  std::memcpy(&sent, event.bytes().data(), sizeof(sent));
  return static_cast<double>(now_ns() - sent) / 1e6;
}

Lateness::Lateness(const std::vector<double>& late_ms) {
  if (late_ms.size() < 10) throw std::runtime_error("Too little was heard to measure.");
  median_ms = at_share(late_ms, 0.5);
  p99_ms = at_share(late_ms, 0.99);
}

}  // namespace bench
