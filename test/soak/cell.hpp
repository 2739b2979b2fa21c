// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tickwire/clock.hpp>

namespace tickwire::soak {

enum class Transport : std::uint8_t { enet, memory, tcp };

/// `game`: every 30 ms, both ways, one reliable message of up to 4,000 bytes and one unreliable of
/// up to 1,000. `bulk`: the same, and on a channel of lower priority as many reliable messages of
/// up to 64 KiB as the connection takes.
enum class Traffic : std::uint8_t { game, bulk };

/// What the network between two hosts does, both ways alike.
struct Conditions {
  double loss_ratio = 0;
  double duplicate_ratio = 0;
  double reorder_ratio = 0;  ///< 50 ms late
  Duration delay{};
  Duration jitter{};                                ///< at most this much later, evenly spread
  std::optional<std::uint64_t> bytes_per_second{};  ///< with a queue of a quarter of a second
  double flip_ratio = 0;                            ///< one bit of a datagram is changed
  Duration stall{};                                 ///< nothing passes, once in ten seconds

  friend bool operator==(const Conditions&, const Conditions&) = default;
};

inline constexpr Duration kReorderDelay = std::chrono::milliseconds(50);
inline constexpr Duration kQueueTime = std::chrono::milliseconds(250);
inline constexpr Duration kStallInterval = std::chrono::seconds(10);

/// One entry of the matrix.
struct Cell {
  std::string name;  ///< transport, network and traffic: "enet/loss-5/game"
  Transport transport = Transport::enet;
  Traffic traffic = Traffic::game;
  Conditions conditions;
};

/// The matrix: every network with both kinds of traffic, where the transport has such a thing. A
/// proxy in front of TCP cannot lose a segment: it is the kernels at its two sides that talk. What
/// the memory network loses it cannot stall, and it changes no bits: no transport hands on a packet
/// that it knows to be damaged.
[[nodiscard]] std::span<const Cell> cells();

[[nodiscard]] std::string_view name_of(Transport transport) noexcept;

}  // namespace tickwire::soak
