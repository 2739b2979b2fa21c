// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"
#include "audio/sound_sink.hpp"
#include "audio/sound_source.hpp"

namespace voice {

/// A device may hold so much sound; above it the oldest is dropped, so that a stall does not become
/// a delay that stays.
inline constexpr std::chrono::milliseconds longest_device_queue{200};

enum class DeviceKind { capture, playback };

/// The names of this machine's sound devices, as `open` takes them.
///
/// Errors: `not_supported` when there is no sound system.
[[nodiscard]] tickwire::Result<std::vector<std::string>> list_devices(DeviceKind kind);

/// A microphone.
///
/// Errors:  `not_supported`, with a sentence that names the device.
/// Thread:  one at a time, the one that opened it.
/// Memory:  SDL's own queue, bounded by `longest_device_queue` as long as it is pulled.
class SdlCapture final : public SoundSource {
 public:
  /// An empty name is the system's default device.
  static tickwire::Result<std::unique_ptr<SdlCapture>> open(const std::string& device_name = {});

  SdlCapture(const SdlCapture&) = delete;
  SdlCapture& operator=(const SdlCapture&) = delete;
  ~SdlCapture() override;

  [[nodiscard]] Pull pull(Frame& into) override;
  [[nodiscard]] bool finished() const override { return false; }
  [[nodiscard]] bool is_live() const noexcept override { return true; }

  [[nodiscard]] std::uint64_t dropped_frames() const noexcept { return dropped_frames_; }

 private:
  explicit SdlCapture(std::uint32_t device) : device_(device) {}

  std::uint32_t device_;
  std::uint64_t dropped_frames_ = 0;
};

/// A loudspeaker.
///
/// Errors:  `not_supported`, with a sentence that names the device.
/// Thread:  one at a time, the one that opened it.
class SdlPlayback final : public SoundSink {
 public:
  /// An empty name is the system's default device.
  static tickwire::Result<std::unique_ptr<SdlPlayback>> open(const std::string& device_name = {});

  SdlPlayback(const SdlPlayback&) = delete;
  SdlPlayback& operator=(const SdlPlayback&) = delete;
  ~SdlPlayback() override;

  tickwire::Result<void> push(const Frame& frame) override;

  /// Closes the device at once; what it has not played yet is not heard.
  tickwire::Result<void> close() override;

  [[nodiscard]] std::uint64_t dropped_frames() const noexcept { return dropped_frames_; }

 private:
  explicit SdlPlayback(std::uint32_t device);
  [[nodiscard]] tickwire::Result<void> hand_over();

  std::uint32_t device_;
  std::vector<Frame> waiting_;  ///< oldest first; SDL's own queue cannot give up its oldest
  std::uint64_t dropped_frames_ = 0;
};

}  // namespace voice
