// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <tickwire/event.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// What an event holds of its session until the program has taken it.
struct Held {
  std::uint64_t credit = 0;        ///< to give back to the other end
  std::size_t reserved_bytes = 0;  ///< of the reassembly budget
  bool is_filtered = false;        ///< the payload is what filters have made of it
};

/// Messages that arrived one behind the other, checked, and left where they are until the program
/// takes them: some records of a packet, or one large message in a block of its own.
///
/// Memory: holds one reference to the block for each message, so that handing one over costs none.
class MessageRun {
 public:
  /// Where the messages lie: a stretch of a block.
  struct Place {
    BufferBlock* block = nullptr;
    const std::byte* begin = nullptr;
    const std::byte* end = nullptr;
  };

  MessageRun() noexcept = default;
  /// Records that are messages, every one of them. Pre: `messages` of them, all correct.
  [[nodiscard]] static MessageRun records(const Place& place, std::uint32_t messages,
                                          std::uint8_t channel, std::uint64_t arrival) noexcept;
  /// A whole record body. Pre: correct.
  [[nodiscard]] static MessageRun whole(const Place& place, std::uint8_t kind, std::uint8_t channel,
                                        std::uint64_t arrival) noexcept;
  MessageRun(MessageRun&& other) noexcept { swap(other); }
  MessageRun& operator=(MessageRun&& other) noexcept {
    MessageRun(std::move(other)).swap(*this);
    return *this;
  }
  ~MessageRun() {
    if (left_ > 0) release(place_.block, left_);
  }

  [[nodiscard]] bool empty() const noexcept { return left_ == 0; }
  /// Orders runs by when they came.
  [[nodiscard]] std::uint64_t arrival() const noexcept { return arrival_; }
  /// Moves the next message into a fresh event, and what it holds into `held`. Pre: not empty.
  void take(Event& into, Held& held) noexcept;

 private:
  void swap(MessageRun& other) noexcept {
    std::swap(place_, other.place_);
    std::swap(left_, other.left_);
    std::swap(channel_, other.channel_);
    std::swap(kind_, other.kind_);
    std::swap(arrival_, other.arrival_);
  }

  Place place_;  // of what is left
  std::uint32_t left_ = 0;
  std::uint8_t channel_ = 0;
  std::uint8_t kind_ = 0;  // of a whole body; 0: records
  std::uint64_t arrival_ = 0;
};

}  // namespace tickwire::detail
