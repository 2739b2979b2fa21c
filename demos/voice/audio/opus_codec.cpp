// SPDX-License-Identifier: MIT
#include "audio/opus_codec.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <opus.h>

namespace voice {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

constexpr int channels = 1;
constexpr int most_frames = 48;       ///< of one packet, whoever made it
constexpr unsigned celt_only = 0x80;  ///< in the first byte of a packet

Error refused(const std::string& field, int opus_code) {
  return {ErrorCode::invalid_argument, opus_code,
          "Opus refuses the encoder's " + field + ": " + opus_strerror(opus_code)};
}

opus_int32 loss_percent(double loss_ratio) {
  if (!(loss_ratio > 0.0)) return 0;
  return static_cast<opus_int32>(std::lround(std::min(loss_ratio, 1.0) * 100.0));
}

const unsigned char* opus_bytes(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

void Encoder::Destroy::operator()(OpusEncoder* encoder) const noexcept {
  opus_encoder_destroy(encoder);
}

Result<Encoder> Encoder::create(const EncoderConfig& config) {
  const int application =
      config.application == Application::voip ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_AUDIO;
  int code = OPUS_OK;
  Encoder made;
  made.encoder_.reset(opus_encoder_create(sample_rate_hz, channels, application, &code));
  if (made.encoder_ == nullptr) {
    return Error{ErrorCode::out_of_resources, code, "Opus cannot make an encoder"};
  }
  OpusEncoder* encoder = made.encoder_.get();
  code = opus_encoder_ctl(encoder, OPUS_SET_BITRATE(config.bitrate_bits_per_second));
  if (code != OPUS_OK) return refused("bitrate_bits_per_second", code);
  code = opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(config.complexity));
  if (code != OPUS_OK) return refused("complexity", code);
  code = opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(config.fec == InbandFec::on ? 1 : 0));
  if (code != OPUS_OK) return refused("fec", code);
  if (!(config.expected_loss_ratio >= 0.0 && config.expected_loss_ratio <= 1.0)) {
    return refused("expected_loss_ratio", OPUS_BAD_ARG);
  }
  made.expect_loss(config.expected_loss_ratio);
  return made;
}

Result<std::span<const std::byte>> Encoder::encode(const Frame& frame) {
  const opus_int32 size = opus_encode(encoder_.get(), frame.data(), static_cast<int>(frame.size()),
                                      reinterpret_cast<unsigned char*>(packet_.data()),
                                      static_cast<opus_int32>(packet_.size()));
  if (size <= 0) return Error{ErrorCode::encode_failed, size, {}};
  return std::span<const std::byte>(packet_).first(static_cast<std::size_t>(size));
}

void Encoder::expect_loss(double loss_ratio) {
  opus_encoder_ctl(encoder_.get(), OPUS_SET_PACKET_LOSS_PERC(loss_percent(loss_ratio)));
}

bool has_redundancy(std::span<const std::byte> packet) {
  if (packet.empty() || packet.size() > max_packet_bytes) return false;
  const unsigned char* const bytes = opus_bytes(packet);
  if ((bytes[0] & celt_only) != 0) return false;
  std::array<const unsigned char*, most_frames> frames{};
  std::array<opus_int16, most_frames> sizes{};
  const int count = opus_packet_parse(bytes, static_cast<opus_int32>(packet.size()), nullptr,
                                      frames.data(), sizes.data(), nullptr);
  if (count <= 0 || sizes[0] == 0) return false;
  // Each channel has a voice activity flag for every 20 ms begun, then this one.
  const int samples = opus_packet_get_samples_per_frame(bytes, sample_rate_hz);
  const int flags = std::max(samples / static_cast<int>(frame_samples), 1);
  const int mid = *frames[0] >> (7 - flags) & 1;
  const bool is_stereo = opus_packet_get_nb_channels(bytes) == 2;
  const int side = is_stereo ? *frames[0] >> (6 - 2 * flags) & 1 : 0;
  return mid != 0 || side != 0;
}

void Decoder::Destroy::operator()(OpusDecoder* decoder) const noexcept {
  opus_decoder_destroy(decoder);
}

Result<Decoder> Decoder::create() {
  int code = OPUS_OK;
  Decoder made;
  made.decoder_.reset(opus_decoder_create(sample_rate_hz, channels, &code));
  if (made.decoder_ == nullptr) {
    return Error{ErrorCode::out_of_resources, code, "Opus cannot make a decoder"};
  }
  return made;
}

Result<void> Decoder::decode(std::span<const std::byte> packet, Frame& into) {
  return decode_packet(packet, 0, into);
}

Result<void> Decoder::decode_fec(std::span<const std::byte> following, Frame& into) {
  return decode_packet(following, 1, into);
}

Result<void> Decoder::decode_packet(std::span<const std::byte> packet, int fec, Frame& into) {
  // Opus takes "no bytes" for "conceal", and fills a part of the frame from a shorter packet:
  // neither is what the caller asked for.
  int code = OPUS_INVALID_PACKET;
  if (!packet.empty() && packet.size() <= max_packet_bytes) {
    const auto size = static_cast<opus_int32>(packet.size());
    code = opus_packet_get_nb_samples(opus_bytes(packet), size, sample_rate_hz);
    if (code == static_cast<int>(frame_samples)) {
      code = opus_decode(decoder_.get(), opus_bytes(packet), size, into.data(), code, fec);
      if (code == static_cast<int>(frame_samples)) return {};
    }
  }
  conceal(into);
  return Error{ErrorCode::malformed_object, std::min(code, 0), {}};
}

void Decoder::conceal(Frame& into) {
  const int samples =
      opus_decode(decoder_.get(), nullptr, 0, into.data(), static_cast<int>(frame_samples), 0);
  if (samples != static_cast<int>(frame_samples)) into.fill(0);
}

}  // namespace voice
