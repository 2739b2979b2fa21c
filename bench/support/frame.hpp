// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "stream.hpp"

/// How peers without messages of their own tell one from the next: a length of four bytes before
/// each, in this machine's byte order.
namespace bench {

using FrameLength = std::uint32_t;

/// Makes the frames of a stream, some at a time.
///
/// Shape: as many whole frames as the batch holds, at least one. Small messages are written anew
///        for each frame, as a program would; a large one lies there and is only stamped.
class FrameBatch {
 public:
  explicit FrameBatch(const StreamOptions& options);

  /// The next frames, up to the last one of the source.
  ///
  /// Lifetime: until the next call.
  [[nodiscard]] std::span<const std::byte> fill(StreamSource& source);

 private:
  std::vector<std::byte> message_;
  std::vector<std::byte> frames_;
};

/// Finds the messages in what was received. Each is whole and in one piece when it is counted.
class FrameReader {
 public:
  explicit FrameReader(const StreamOptions& options);

  /// Where the next bytes go; never empty.
  [[nodiscard]] std::span<std::byte> space() noexcept {
    return std::span(buffer_).subspan(used_bytes_);
  }
  /// Bytes have been put there: counts the messages that are complete with them.
  void received(std::size_t bytes, StreamSink& sink);

 private:
  std::size_t message_bytes_;
  std::vector<std::byte> buffer_;
  std::size_t used_bytes_ = 0;
};

}  // namespace bench
