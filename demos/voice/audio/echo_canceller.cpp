// SPDX-License-Identifier: MIT
#include "audio/echo_canceller.hpp"

#include <speex/speex_echo.h>

namespace voice {
namespace {

constexpr int tail_samples = static_cast<int>(EchoCanceller::tail.count()) * sample_rate_hz / 1000;

}  // namespace

void EchoCanceller::Destroy::operator()(SpeexEchoState_* state) const noexcept {
  speex_echo_state_destroy(state);
}

tickwire::Result<EchoCanceller> EchoCanceller::create() {
  EchoCanceller made;
  made.state_.reset(speex_echo_state_init(static_cast<int>(frame_samples), tail_samples));
  if (made.state_ == nullptr) {
    return tickwire::Error{tickwire::ErrorCode::out_of_resources, 0,
                           "speexdsp cannot make an echo canceller"};
  }
  spx_int32_t rate = sample_rate_hz;
  speex_echo_ctl(made.state_.get(), SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
  return made;
}

void EchoCanceller::cancel(const Frame& recorded, const Frame& played, Frame& into) {
  speex_echo_cancellation(state_.get(), recorded.data(), played.data(), into.data());
}

}  // namespace voice
