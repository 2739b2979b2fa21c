// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "growth_point.hpp"
#include "process.hpp"

/// The two processes of a growth point.
namespace bench {

/// What one process tells the one that watches it.
struct EndBoard {
  std::atomic<pid_t> process{0};
  std::atomic<std::size_t> bytes_before{0};  ///< anonymous memory, before it made its host
  std::atomic<std::size_t> up{0};            ///< connections
};

/// Lies in memory that all three share.
struct Board {
  EndBoard sender;
  EndBoard receiver;
  std::atomic<bool> go{false};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> received{0};    ///< messages
  std::atomic<std::int64_t> received_at{0};  ///< when that was counted: steady clock, nanoseconds
};

/// Listens, tells its address, and sends or receives until it is ended.
[[noreturn]] void accept_all(const GrowthPoint& point, Board& board, const TextPipe& address);
/// Dials, and receives or sends until it is ended.
[[noreturn]] void dial_all(const GrowthPoint& point, Board& board, const TextPipe& address);

}  // namespace bench
