// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"
#include "audio/wav_file.hpp"

namespace voice {

/// Where what a client says comes from: a file or a microphone.
///
/// Thread: one at a time.
class SoundSource {
 public:
  enum class Pull { frame, nothing_yet };

  virtual ~SoundSource() = default;

  /// Fills in the next 20 ms, or nothing if a device has not recorded them yet. Never blocks.
  [[nodiscard]] virtual Pull pull(Frame& into) = 0;

  /// Whether everything was said. Silence follows; a microphone never finishes.
  [[nodiscard]] virtual bool finished() const = 0;

  /// Whether it records in its own time. Then all that is there is to be pulled, else a frame each
  /// 20 ms.
  [[nodiscard]] virtual bool is_live() const noexcept = 0;

  /// Forgets what a device has recorded and nobody has pulled, so that it is not said late. A file
  /// has nothing to forget.
  virtual void drop_queued() {}

  /// Why nothing comes any more, as a sentence that names the device; nothing while all is well.
  [[nodiscard]] virtual std::optional<tickwire::Error> failure() const { return std::nullopt; }
};

/// Says what is in a sound file: a frame at every call, silence after the end.
class WavSource final : public SoundSource {
 public:
  /// Errors: as `read_sound`.
  static tickwire::Result<WavSource> open(const std::filesystem::path& file,
                                          std::chrono::milliseconds start_delay = {});

  /// Says these samples after a silence of `start_delay`.
  explicit WavSource(Samples samples, std::chrono::milliseconds start_delay = {});

  [[nodiscard]] Pull pull(Frame& into) override;
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] bool is_live() const noexcept override { return false; }

 private:
  Samples samples_;
  std::size_t silent_samples_left_;
  std::size_t at_ = 0;
};

}  // namespace voice
