// SPDX-License-Identifier: MIT
#include "frame.hpp"

#include <algorithm>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;
constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr std::byte kFiller{0x5a};

std::size_t frame_bytes(std::size_t message_bytes) {
  return sizeof(FrameLength) + message_bytes;
}

std::size_t frames_in(std::size_t batch_bytes, std::size_t message_bytes) {
  return std::max<std::size_t>(1, batch_bytes / frame_bytes(message_bytes));
}

}  // namespace

FrameBatch::FrameBatch(const StreamOptions& options)
    : message_(options.message_bytes, kFiller),
      frames_(frames_in(options.batch_bytes, options.message_bytes) *
                  frame_bytes(options.message_bytes),
              kFiller) {}

std::span<const std::byte> FrameBatch::fill(StreamSource& source) {
  const bool is_small = message_.size() <= kSmallMessageBytes;
  const auto length = static_cast<FrameLength>(message_.size());
  std::size_t at = 0;
  while (at < frames_.size() && !source.is_finished()) {
    std::memcpy(&frames_[at], &length, sizeof length);
    const auto body = std::span(frames_).subspan(at + sizeof length, message_.size());
    if (is_small) std::memcpy(body.data(), message_.data(), message_.size());
    put_stamp(source.next(), body);
    at += frame_bytes(message_.size());
  }
  return std::span(frames_).first(at);
}

FrameReader::FrameReader(const StreamOptions& options)
    : message_bytes_(options.message_bytes),
      // A large frame and the next one's length: then little has to be moved to the front.
      buffer_(std::max(kReceiveBytes, frame_bytes(options.message_bytes) + sizeof(FrameLength))) {}

void FrameReader::received(std::size_t bytes, StreamSink& sink) {
  used_bytes_ += bytes;
  std::size_t at = 0;
  while (used_bytes_ - at >= sizeof(FrameLength)) {
    FrameLength length = 0;
    std::memcpy(&length, &buffer_[at], sizeof length);
    if (length != message_bytes_) throw std::runtime_error("A frame has a wrong length.");
    if (used_bytes_ - at < frame_bytes(length)) break;
    sink.take(std::span(buffer_).subspan(at + sizeof length, length));
    at += frame_bytes(length);
  }
  std::memmove(buffer_.data(), &buffer_[at], used_bytes_ - at);
  used_bytes_ -= at;
}

}  // namespace bench
