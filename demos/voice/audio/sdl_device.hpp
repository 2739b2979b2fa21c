// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"
#include "audio/playback_trimmer.hpp"
#include "audio/sdl_handle.hpp"
#include "audio/sound_sink.hpp"
#include "audio/sound_source.hpp"

namespace voice {

/// A device may hold so much sound; above it the oldest is dropped, so that a stall does not become
/// a delay that stays.
inline constexpr std::chrono::milliseconds longest_device_queue{200};

/// A microphone. When it is lost, the system's default one takes its place, if there is one.
///
/// Errors:  `not_supported`, with a sentence that names the device.
/// Thread:  one at a time, the one that opened it.
/// Memory:  SDL's own queue, bounded by `longest_device_queue` as long as it is pulled.
class SdlCapture final : public SoundSource {
 public:
  /// An empty name is the system's default device.
  static tickwire::Result<std::unique_ptr<SdlCapture>> open(const std::string& device_name = {});

  [[nodiscard]] Pull pull(Frame& into) override;
  [[nodiscard]] bool finished() const override { return false; }
  [[nodiscard]] bool is_live() const noexcept override { return true; }
  void drop_queued() override;
  [[nodiscard]] std::optional<tickwire::Error> failure() const override {
    return device_.failure();
  }

  [[nodiscard]] std::uint64_t dropped_frames() const noexcept { return dropped_frames_; }

 private:
  explicit SdlCapture(SdlHandle device) : device_(std::move(device)) {}

  SdlHandle device_;
  std::uint64_t dropped_frames_ = 0;
};

/// A loudspeaker. When it is lost, the system's default one takes its place, if there is one; else
/// `push` says that it is gone. What waits for it is kept short: see `PlaybackTrimmer`.
///
/// Errors:  `not_supported`, with a sentence that names the device.
/// Thread:  one at a time, the one that opened it.
class SdlPlayback final : public SoundSink {
 public:
  /// An empty name is the system's default device.
  static tickwire::Result<std::unique_ptr<SdlPlayback>> open(const std::string& device_name = {});

  tickwire::Result<void> push(const Frame& frame) override;

  [[nodiscard]] bool take_played(Frame& into) override;

  /// Closes the device at once; what it has not played yet is not heard.
  tickwire::Result<void> close() override;

  [[nodiscard]] std::uint64_t dropped_frames() const noexcept { return dropped_frames_; }

 private:
  explicit SdlPlayback(SdlHandle device);
  [[nodiscard]] std::size_t handed_over() const;
  [[nodiscard]] tickwire::Result<void> hand_over();

  SdlHandle device_;
  PlaybackTrimmer trimmer_;
  std::vector<Frame> waiting_;  ///< oldest first; SDL's own queue cannot give up its oldest
  std::vector<Frame> handed_;   ///< to SDL, oldest first: to be played, or not yet asked for
  std::uint64_t dropped_frames_ = 0;
};

}  // namespace voice
