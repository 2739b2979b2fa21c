// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "lib/base/packet.hpp"
#include "lib/base/ring_queue.hpp"

namespace tickwire::detail {

/// Packets on their way into a stream, as pieces for gathered writes.
class SendQueue {
 public:
  static constexpr std::size_t kMaxPieces = 64;

  [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  void push(Packet packet) {
    if (packet.size() == 0) return;  // nothing would take it off again
    bytes_ += packet.size();
    packets_.push_back(std::move(packet));
  }
  /// The front of what waits; returns how many pieces it is.
  [[nodiscard]] std::size_t gather(std::span<std::span<const std::byte>, kMaxPieces> into) const {
    std::size_t count = 0;
    for (; count < kMaxPieces && count < packets_.size(); ++count)
      into[count] = packets_[count].bytes();
    return count;
  }
  /// The stream has taken so much.
  void consume(std::size_t bytes) {
    bytes_ -= bytes;
    while (bytes > 0) {
      Packet& front = packets_.front();
      const std::size_t gone = bytes < front.size() ? bytes : front.size();
      bytes -= gone;
      front.drop_front(gone);
      if (front.size() == 0) static_cast<void>(packets_.take_front());
    }
  }
  void clear() {
    packets_.clear();
    bytes_ = 0;
  }

 private:
  RingQueue<Packet> packets_;
  std::size_t bytes_ = 0;
};

}  // namespace tickwire::detail
