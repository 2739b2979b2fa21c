// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// One point of a growth curve: two processes, one of which sends to the other, and a third one
/// that watches both.
namespace bench {

/// Who sends to whom.
enum class Way : std::uint8_t {
  to_acceptor,  ///< one dialler sends on each of its connections in turn
  broadcast,    ///< the acceptor sends each message to all that dialled
};

/// What is measured at this point.
struct GrowthPoint {
  std::string scheme = "tcp";
  Way way = Way::to_acceptor;
  std::size_t connections = 1;
  std::size_t busy_connections = 1;  ///< on the others nothing is sent; not for a broadcast
  std::size_t message_bytes = 64;
  std::size_t channels = 1;
  /// How many connections get 16 messages, or how often one does, before they leave.
  std::size_t turns_per_pass = 64;
};

/// What came of it.
struct Growth {
  double messages_per_second = 0;  ///< handed out by `poll`; the median of some windows
  double user_ns = 0;       ///< the processor's time for each message, of both processes together
  double kernel_ns = 0;     ///< the same, inside the system
  double sender_bytes = 0;  ///< most memory that its process had, beyond what it began with
  double receiver_bytes = 0;
};

/// Runs both processes until that many seconds have been measured and two messages are there.
[[nodiscard]] Growth measure_growth(const GrowthPoint& point, double seconds);

}  // namespace bench
