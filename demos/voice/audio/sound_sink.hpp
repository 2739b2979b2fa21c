// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <utility>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"
#include "audio/wav_file.hpp"

namespace voice {

/// Where what a client hears goes to: a file or a loudspeaker.
///
/// Thread: one at a time.
class SoundSink {
 public:
  virtual ~SoundSink() = default;

  /// Takes the next 20 ms. Never waits for a device.
  ///
  /// Errors: what stands in the way of a file, or that a device is lost, as a sentence that names
  ///         it.
  virtual tickwire::Result<void> push(const Frame& frame) = 0;

  /// Fills in the oldest frame that a loudspeaker has begun to play since it was last asked, or
  /// nothing. Who asks late finds the newest ones only. A file plays nothing.
  [[nodiscard]] virtual bool take_played(Frame&) { return false; }

  /// Ends it; what was taken is then where it belongs. Nothing can be pushed afterwards.
  virtual tickwire::Result<void> close() = 0;
};

/// Records what is heard into a WAV file.
class WavSink final : public SoundSink {
 public:
  /// Errors: as `WavWriter::create`.
  static tickwire::Result<WavSink> create(const std::filesystem::path& file);

  tickwire::Result<void> push(const Frame& frame) override { return writer_.write(frame); }
  tickwire::Result<void> close() override { return writer_.close(); }

 private:
  explicit WavSink(WavWriter writer) : writer_(std::move(writer)) {}

  WavWriter writer_;
};

}  // namespace voice
