// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <tickwire/error.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

/// Whether a connection may come up without a filter.
enum class FilterNeed : std::uint8_t {
  optional,  ///< used where both ends have it
  required,  ///< without it there is no connection: `filter_mismatch`
};

/// A transform of messages on their way out, undone on their way in. The two ends of a connection
/// agree in the handshake on those that both have in `HostConfig::filters`, in the dialler's order;
/// each message then passes all of them, or those that have a use for it. What stands beside a
/// message (its type, metadata) is not filtered.
///
/// Pre:      knows nothing of earlier messages: those of an unreliable delivery may get lost, and
///           one message may be filtered once for many targets.
/// Lifetime: may be shared by hosts.
/// Thread:   called on the threads of its hosts; one at a time only if it serves one host.
class TICKWIRE_API Filter {
 public:
  Filter() = default;
  virtual ~Filter();
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  /// What both ends know it by.
  ///
  /// Shape: 1 to 32 of a-z, 0-9, '-', '.', '_'.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual FilterNeed need() const noexcept { return FilterNeed::optional; }

  /// Room that `apply` needs for a message of `bytes`. 0: the message is left as it is.
  [[nodiscard]] virtual std::size_t room_bytes(std::size_t bytes) const noexcept = 0;
  /// Writes the transformed message and says how long it is. Nothing: the message goes on as it is,
  /// which a required filter must not say.
  ///
  /// Shape: `into` has `room_bytes` of the message.
  [[nodiscard]] virtual std::optional<std::size_t> apply(std::span<const std::byte> message,
                                                         std::span<std::byte> into) = 0;
  /// Makes the message again from bytes that may come from an attacker.
  ///
  /// Shape:  `into` has as many bytes as the other end says that the message had, at most
  ///         `Limits::max_message_bytes` of this end. Nothing but exactly so many will do.
  /// Errors: false ends the connection, with `protocol_violation`.
  [[nodiscard]] virtual bool undo(std::span<const std::byte> transformed,
                                  std::span<std::byte> into) = 0;
};

/// Settings of `lz4_filter`.
struct Lz4Options {
  std::size_t min_bytes = 64;  ///< shorter messages are left alone
  int acceleration = 1;        ///< 1 to 65,537; more is faster and shrinks less
};

/// Compression that costs next to nothing, used for the messages that it shrinks. Name: "lz4".
///
/// Errors: `invalid_argument`; `not_supported` where the library was built without LZ4.
/// Source: LZ4 block format.
[[nodiscard]] TICKWIRE_API Result<std::shared_ptr<Filter>> lz4_filter(
    const Lz4Options& options = {});

/// Settings of `zstd_filter`.
struct ZstdOptions {
  std::size_t min_bytes = 64;  ///< shorter messages are left alone
  int level = 3;               ///< -7 (fast) to 19 (small)
};

/// Compression that shrinks more and costs more, used for the messages that it shrinks. Name:
/// "zstd".
///
/// Errors: `invalid_argument`; `not_supported` where the library was built without zstd.
/// Thread: serves one host.
/// Source: RFC 8878.
[[nodiscard]] TICKWIRE_API Result<std::shared_ptr<Filter>> zstd_filter(
    const ZstdOptions& options = {});

}  // namespace tickwire
