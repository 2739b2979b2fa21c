// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"

struct sf_private_tag;

namespace voice {

/// Samples at 48 kHz, mono, of any length.
using Samples = std::vector<std::int16_t>;

inline constexpr std::chrono::minutes longest_sound{10};

/// Reads a sound file of any format, rate and number of channels that libsndfile knows, and turns
/// it into 48 kHz mono.
///
/// Errors: a sentence that names the file: it cannot be read, is no sound file, is empty, is longer
///         than `longest`, or has a rate that nobody uses.
[[nodiscard]] tickwire::Result<Samples> read_sound(const std::filesystem::path& file,
                                                   std::chrono::seconds longest = longest_sound);

/// Writes a WAV file: 48 kHz, mono, 16 bits. The file is valid after every write, so that it
/// survives a program that is killed.
///
/// Thread: one at a time.
class WavWriter {
 public:
  /// Replaces a file that is there.
  /// Errors: a sentence that names the file.
  static tickwire::Result<WavWriter> create(const std::filesystem::path& file);

  /// Whether a file can be made there; changes nothing. Errors: as those of `create`.
  static tickwire::Result<void> check(const std::filesystem::path& file);

  /// Errors: a sentence that names the file, as when the disk is full.
  tickwire::Result<void> write(std::span<const std::int16_t> samples);

  /// Ends the file; the destructor does so too, but cannot report a failure. Nothing can be written
  /// afterwards.
  tickwire::Result<void> close();

 private:
  struct Close {
    void operator()(sf_private_tag* handle) const noexcept;
  };
  WavWriter() = default;
  [[nodiscard]] tickwire::Error failed(const char* why) const;

  std::unique_ptr<sf_private_tag, Close> handle_;
  std::filesystem::path file_;
};

}  // namespace voice
