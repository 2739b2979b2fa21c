// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"
#include "audio/jitter_buffer.hpp"
#include "audio/opus_codec.hpp"

namespace voice {

struct TalkerCounters {
  JitterCounters packets;
  std::uint64_t concealed = 0;  ///< frames invented inside a talk; what follows its end is not one
  std::uint64_t recovered = 0;  ///< of these, taken out of the copy in the packet after the gap
  std::uint64_t malformed = 0;  ///< packets that are not Opus
};

/// One talker as a listener has him: packets go in as they come, a frame comes out every 20 ms.
/// What is missing is taken out of the next packet, if that carries a copy, or invented, and fades
/// out within 100 ms.
///
/// Thread: one at a time.
/// Memory: all of it is allocated when the stream is made.
class TalkerStream {
 public:
  static tickwire::Result<TalkerStream> create(const JitterConfig& config = {});

  /// See `JitterBuffer::put`.
  void receive(std::uint32_t sequence, std::span<const std::byte> packet);

  enum class Sound { speech, silence };

  /// Fills in the next 20 ms. `silence` means that the talker has nothing to say; the frame is
  /// then all zeros.
  Sound next(Frame& into);

  [[nodiscard]] std::chrono::milliseconds delay() const noexcept { return buffer_.delay(); }
  [[nodiscard]] TalkerCounters counters() const noexcept;

 private:
  TalkerStream(JitterBuffer buffer, Decoder decoder);
  void play(std::span<const std::byte> packet, Frame& into);
  void bridge(std::span<const std::byte> following, Frame& into);

  JitterBuffer buffer_;
  Decoder decoder_;
  int bridged_run_ = 0;  ///< frames invented since the last packet
  int recovered_run_ = 0;
  std::uint64_t concealed_ = 0;
  std::uint64_t recovered_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace voice
