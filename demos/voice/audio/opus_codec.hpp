// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"

struct OpusEncoder;
struct OpusDecoder;

namespace voice {

/// No packet of this program is larger: it leaves room for the rest of a message in a datagram.
inline constexpr std::size_t max_packet_bytes = 1000;

/// What the codec favours: words that are understood, or sound that is close to the original.
enum class Application { voip, audio };

/// Whether packets may also carry a coarse copy of the frame before them, for `decode_fec`. Opus
/// decides for each, by the expected loss and the bitrate; a frame of silence gets none.
enum class InbandFec { off, on };

struct EncoderConfig {
  Application application = Application::voip;
  int bitrate_bits_per_second = 32'000;
  InbandFec fec = InbandFec::on;
  /// At 32 kbit/s Opus 1.3.1 writes no copy at all below 0.06; at 16 kbit/s none even at 0.20.
  double expected_loss_ratio = 0.10;
  int complexity = 6;  ///< 0 (cheapest) to 10 (best); Opus 1.3.1 was heard to click at 5
};

/// Turns frames into Opus packets, one each.
///
/// Thread: one at a time.
/// Memory: allocates when it is made, never per frame.
/// Source: RFC 6716.
class Encoder {
 public:
  /// Errors: `invalid_argument` names the field of the config that Opus refuses.
  static tickwire::Result<Encoder> create(const EncoderConfig& config);

  /// Lifetime: the packet is valid until the next call.
  [[nodiscard]] tickwire::Result<std::span<const std::byte>> encode(const Frame& frame);

  /// Tells the codec how much protection the packets need. Values outside 0 to 1 are clamped.
  void expect_loss(double loss_ratio);

 private:
  struct Destroy {
    void operator()(OpusEncoder* encoder) const noexcept;
  };
  Encoder() = default;

  std::unique_ptr<OpusEncoder, Destroy> encoder_;
  std::array<std::byte, max_packet_bytes> packet_{};
};

/// Whether a packet carries a copy of the frame before it.
///
/// Source: RFC 6716, section 3.1 (a CELT packet has none) and sections 4.2.3 and 4.2.4: the flag
///         follows the voice activity flags of the channel's frames.
[[nodiscard]] bool has_redundancy(std::span<const std::byte> packet);

/// Turns Opus packets back into frames, and invents what is missing.
///
/// Errors: bytes that are not a 20 ms Opus packet give `malformed_object`, with Opus' own code as
///         the system code; `into` then holds a concealed frame and the decoder goes on.
/// Thread: one at a time.
/// Memory: allocates when it is made, never per frame.
class Decoder {
 public:
  static tickwire::Result<Decoder> create();

  tickwire::Result<void> decode(std::span<const std::byte> packet, Frame& into);

  /// The frame before `following`, out of the copy that `following` carries. Without such a copy,
  /// see `has_redundancy`, it is concealed.
  tickwire::Result<void> decode_fec(std::span<const std::byte> following, Frame& into);

  /// A frame that continues the sound so far; after some calls in a row Opus fades it out.
  void conceal(Frame& into);

 private:
  struct Destroy {
    void operator()(OpusDecoder* decoder) const noexcept;
  };
  Decoder() = default;
  tickwire::Result<void> decode_packet(std::span<const std::byte> packet, int fec, Frame& into);

  std::unique_ptr<OpusDecoder, Destroy> decoder_;
};

}  // namespace voice
