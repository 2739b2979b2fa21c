// SPDX-License-Identifier: MIT
#include "audio/speech_cleaner.hpp"

#include <utility>

#include <speex/speex_preprocess.h>

#include "audio/echo_canceller.hpp"

namespace voice {
namespace {

constexpr spx_int32_t noise_suppression_db = -20;

// speexdsp weighs sound by how loud it seems; this was measured to bring speech to -22 dBFS.
constexpr float gain_target = 24'000;
// A whisper comes up, the neighbours do not.
constexpr spx_int32_t most_gain_db = 24;
constexpr spx_int32_t rise_db_per_second = 12;

void set(SpeexPreprocessState_* state, int request, spx_int32_t value) {
  speex_preprocess_ctl(state, request, &value);
}

}  // namespace

void SpeechCleaner::Destroy::operator()(SpeexPreprocessState_* state) const noexcept {
  speex_preprocess_state_destroy(state);
}

tickwire::Result<SpeechCleaner> SpeechCleaner::create(const SpeechCleanerConfig& config,
                                                      EchoCanceller* echo) {
  SpeechCleaner made;
  made.state_.reset(speex_preprocess_state_init(static_cast<int>(frame_samples), sample_rate_hz));
  SpeexPreprocessState_* const state = made.state_.get();
  if (state == nullptr) {
    return tickwire::Error{tickwire::ErrorCode::out_of_resources, 0,
                           "speexdsp cannot make a preprocessor"};
  }
  // Without its denoiser speexdsp does not suppress echo either; at 0 dB that leaves noise alone.
  set(state, SPEEX_PREPROCESS_SET_DENOISE, 1);
  set(state, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS,
      config.noise_suppression == Cleaning::on ? noise_suppression_db : 0);
  if (config.automatic_gain == Cleaning::on) {
    set(state, SPEEX_PREPROCESS_SET_AGC, 1);
    float target = gain_target;
    speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_AGC_LEVEL, &target);
    set(state, SPEEX_PREPROCESS_SET_AGC_MAX_GAIN, most_gain_db);
    set(state, SPEEX_PREPROCESS_SET_AGC_INCREMENT, rise_db_per_second);
  }
  if (echo != nullptr) {
    speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_ECHO_STATE, echo->state());
  }
  return made;
}

void SpeechCleaner::clean(Frame& frame, Gain gain) {
  if (std::exchange(gain_, gain) != gain) {
    set(state_.get(), SPEEX_PREPROCESS_SET_AGC_INCREMENT,
        gain == Gain::may_rise ? rise_db_per_second : 0);
  }
  speex_preprocess_run(state_.get(), frame.data());
}

}  // namespace voice
