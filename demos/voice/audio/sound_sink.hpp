// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
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

/// Records what is heard into a WAV file, which is begun with the first frame: a call that fails
/// leaves an older recording as it is.
class WavSink final : public SoundSink {
 public:
  /// Errors: a sentence that names the file: it cannot be written.
  static tickwire::Result<WavSink> create(const std::filesystem::path& file);

  tickwire::Result<void> push(const Frame& frame) override;
  tickwire::Result<void> close() override;

 private:
  explicit WavSink(std::filesystem::path file) : file_(std::move(file)) {}

  std::filesystem::path file_;
  std::optional<WavWriter> writer_;
};

}  // namespace voice
