// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tickwire/error.hpp>

#include "lib/base/io_result.hpp"

namespace tickwire::detail {

/// What a blocked stream waits for.
enum class Awaits : std::uint8_t { readable, writable };

/// Bytes in both directions over one connection, plain or encrypted. Never blocks.
///
/// Lifetime: destroying it cuts the connection.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Goes on with what has to happen before bytes flow. `done` as soon as they may; a plain stream
  /// is done at once.
  [[nodiscard]] virtual IoStatus handshake() = 0;
  /// Whether the last `handshake` that was `blocked` has done more than to take in a few bytes.
  [[nodiscard]] virtual bool has_moved_on() const noexcept { return true; }
  /// Fills the two pieces in order, as far as there is something; either may be empty.
  [[nodiscard]] virtual IoResult read(std::span<std::byte> first, std::span<std::byte> second) = 0;
  /// Takes as much as goes from the front of the pieces. What it has not taken comes first again
  /// the next time, though it may have moved: it may be encrypted already.
  [[nodiscard]] virtual IoResult write(std::span<const std::span<const std::byte>> pieces) = 0;
  /// Tells the other end that nothing more comes. Reading goes on.
  [[nodiscard]] virtual IoStatus shut_down() = 0;
  /// What the system has taken, in all: it grows also where a `write` was `blocked` half-way.
  [[nodiscard]] virtual std::uint64_t taken_bytes() const noexcept { return 0; }

  /// For the call that was `blocked` last.
  [[nodiscard]] virtual Awaits awaits() const noexcept = 0;
  /// Whether a `read` would find something even if the socket below stays silent.
  [[nodiscard]] virtual bool has_buffered_input() const noexcept = 0;
  /// What it stands on, after a failure: this one is good for nothing any more. None: itself.
  [[nodiscard]] virtual std::unique_ptr<ByteStream> take_below() noexcept { return nullptr; }
  /// Why it failed, in a sentence that does not name the address.
  [[nodiscard]] virtual Error failure() const = 0;
  /// The subject of the certificate that the other end has proven to own, as in
  /// "CN=relay,O=Example"; empty without one.
  [[nodiscard]] virtual std::string verified_subject() const = 0;
  /// See `Connection::channel_binding`.
  [[nodiscard]] virtual std::vector<std::byte> channel_binding() const { return {}; }
};

}  // namespace tickwire::detail
