// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <tickwire/error.hpp>

#include "audio/opus_codec.hpp"
#include "audio/sequence_tracker.hpp"

namespace voice {

/// Shape: durations are rounded down to whole frames.
struct JitterConfig {
  std::chrono::milliseconds initial_delay{40};  ///< before anything is known of the network
  std::chrono::milliseconds margin{20};         ///< kept above what the network's jitter asks for
  std::chrono::milliseconds max_delay{400};     ///< what would wait longer is thrown away
};

/// Counted since the buffer was made.
struct JitterCounters {
  std::uint64_t received = 0;    ///< packets of sound, each once, also those that were late
  std::uint64_t late = 0;        ///< came after their turn
  std::uint64_t lost = 0;        ///< never came
  std::uint64_t duplicates = 0;  ///< came again
  std::uint64_t discarded = 0;   ///< too large, too far off, or skipped to shorten the delay
};

enum class Playout {
  packet,   ///< play it
  missing,  ///< a talk is going on, but its next packet is not there: conceal 20 ms
  empty,    ///< the talker is silent
};

/// What is to be played for the next 20 ms.
///
/// Lifetime: the bytes are valid until the next call.
struct Taken {
  Playout playout = Playout::empty;
  std::span<const std::byte> packet;     ///< `packet`: what to decode
  std::span<const std::byte> following;  ///< `missing`: the packet after the gap, if it is there
};

/// Puts the packets of one talker back into an even stream, at the price of a delay that follows
/// the network's jitter. It is an adaptive buffer of speexdsp, plus what talkers do: fall silent,
/// resume, jump and start again.
///
/// Shape:  a sequence number counts 20 ms of the talker's time, sent or not; counting only what is
///         sent works too. A gap of more than 200 ms is a pause, not a loss. An empty packet says
///         that the talker falls silent on purpose; without one, that is noticed after 200 ms. If
///         then the next numbers come in a burst, the network has held them up: they are played,
///         and waited for as speexdsp's timings have it, for up to 20 s.
/// Thread: one at a time.
/// Memory: all of it is allocated when the buffer is made.
class JitterBuffer {
 public:
  /// Errors: `invalid_argument` names the field of the config that is out of range.
  static tickwire::Result<JitterBuffer> create(const JitterConfig& config = {});

  JitterBuffer(JitterBuffer&&) noexcept;
  JitterBuffer& operator=(JitterBuffer&&) noexcept;
  ~JitterBuffer();

  /// Takes a packet as it comes from the network.
  void put(std::uint32_t sequence, std::span<const std::byte> packet);

  /// Gives what to play next. Call it once every 20 ms.
  [[nodiscard]] Taken take();

  /// How long packets wait here at present, from their arrival to their turn.
  [[nodiscard]] std::chrono::milliseconds delay() const noexcept;

  [[nodiscard]] JitterCounters counters() const noexcept;

 private:
  enum class Phase { silent, filling, playing };
  struct Slot;
  struct Store;

  explicit JitterBuffer(const JitterConfig& config);
  [[nodiscard]] Listening listening() const noexcept;
  [[nodiscard]] bool continues_talk(std::uint32_t sequence) const noexcept;
  [[nodiscard]] std::uint32_t next_sequence() const noexcept;
  [[nodiscard]] std::uint32_t timestamp(std::uint32_t sequence) const noexcept;
  [[nodiscard]] int depth_frames() const noexcept;
  [[nodiscard]] int target_frames() const noexcept;
  void start_talk(std::uint32_t sequence);
  void note_late(std::uint32_t sequence);
  void store(std::uint32_t sequence, std::span<const std::byte> packet);
  void start_playing();
  void skip_one();
  [[nodiscard]] Taken play_one();
  [[nodiscard]] Taken play_gap(std::uint32_t sequence) const;
  void adapt();

  JitterConfig config_;
  std::unique_ptr<Store> store_;
  SequenceTracker tracker_;
  Phase phase_ = Phase::silent;
  std::uint32_t base_ = 0;       ///< the sequence number of timestamp 0
  std::uint32_t oldest_ = 0;     ///< while filling: the first to be played
  bool is_interrupted_ = false;  ///< the talk ended without a word, and may go on
  int filled_takes_ = 0;
  int invented_frames_left_ = 0;  ///< of an insertion that spans several frames
  int pending_insertion_ = 0;     ///< decided by speexdsp, in its timestamps, not yet played
  int drained_takes_ = 0;
  double wait_frames_;
  std::uint64_t received_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t duplicates_ = 0;
};

}  // namespace voice
