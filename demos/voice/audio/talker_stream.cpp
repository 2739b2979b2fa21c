// SPDX-License-Identifier: MIT
#include "audio/talker_stream.hpp"

#include <utility>

namespace voice {
namespace {

// Four invented frames, and a fifth that fades to nothing: 100 ms.
constexpr int fading_frame = 5;

// Where sound begins again after silence that was not the talker's own, 5 ms keep it from clicking.
constexpr std::size_t fade_in_samples = 240;

void scale(std::int16_t& sample, std::size_t part, std::size_t whole) {
  sample = static_cast<std::int16_t>(std::int64_t{sample} * static_cast<std::int64_t>(part) /
                                     static_cast<std::int64_t>(whole));
}

void fade_out(Frame& frame) {
  for (std::size_t i = 0; i < frame.size(); ++i)
    scale(frame[i], frame.size() - i, frame.size());
}

void fade_in(Frame& frame) {
  for (std::size_t i = 0; i < fade_in_samples; ++i)
    scale(frame[i], i, fade_in_samples);
}

}  // namespace

tickwire::Result<TalkerStream> TalkerStream::create(const JitterConfig& config) {
  auto buffer = JitterBuffer::create(config);
  if (!buffer) return std::move(buffer).error();
  auto decoder = Decoder::create();
  if (!decoder) return std::move(decoder).error();
  return TalkerStream(*std::move(buffer), *std::move(decoder));
}

TalkerStream::TalkerStream(JitterBuffer buffer, Decoder decoder)
    : buffer_(std::move(buffer)), decoder_(std::move(decoder)) {}

void TalkerStream::receive(std::uint32_t sequence, std::span<const std::byte> packet) {
  buffer_.put(sequence, packet);
}

TalkerStream::Sound TalkerStream::next(Frame& into) {
  const Taken taken = buffer_.take();
  switch (taken.playout) {
    case Playout::packet:
      play(taken.packet, into);
      return Sound::speech;
    case Playout::missing:
      bridge(taken.following, into);
      return Sound::speech;
    case Playout::empty:
      break;
  }
  bridged_run_ = 0;
  recovered_run_ = 0;
  into.fill(0);
  return Sound::silence;
}

// Only now is it known that what was invented lay inside a talk.
void TalkerStream::play(std::span<const std::byte> packet, Frame& into) {
  if (!decoder_.decode(packet, into)) {
    ++malformed_;
    ++concealed_;
  }
  if (bridged_run_ >= fading_frame) fade_in(into);
  concealed_ += static_cast<std::uint64_t>(bridged_run_);
  recovered_ += static_cast<std::uint64_t>(recovered_run_);
  bridged_run_ = 0;
  recovered_run_ = 0;
}

void TalkerStream::bridge(std::span<const std::byte> following, Frame& into) {
  ++bridged_run_;
  if (has_redundancy(following) && decoder_.decode_fec(following, into)) {
    ++recovered_run_;
    if (bridged_run_ > fading_frame) fade_in(into);
    return;
  }
  if (bridged_run_ > fading_frame) {
    into.fill(0);
    return;
  }
  decoder_.conceal(into);
  if (bridged_run_ == fading_frame) fade_out(into);
}

TalkerCounters TalkerStream::counters() const noexcept {
  return {buffer_.counters(), concealed_, recovered_, malformed_};
}

}  // namespace voice
