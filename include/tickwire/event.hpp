// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/decode_limits.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/value.hpp>

namespace tickwire {

namespace detail {
struct BufferBlock;
struct PayloadAccess;
}  // namespace detail

/// What became of a message that was sent.
enum class Receipt : std::uint8_t {
  none,
  acknowledged,  ///< the remote session has taken it; its program will be handed it, or was
  handed_over,   ///< left this program; what the network does with it is not known
  dropped,       ///< never left: it gave way to a newer one, was too old, or the connection ended
};

/// The bytes of a received message: a counted part of the packet that they came in.
///
/// Lifetime: may outlive its host, and be destroyed on any thread.
class Payload {
 public:
  Payload() noexcept = default;
  Payload(Payload&& other) noexcept { swap(other); }
  Payload& operator=(Payload&& other) noexcept {
    Payload(std::move(other)).swap(*this);
    return *this;
  }
  TICKWIRE_API ~Payload();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  /// Encoded metadata that came before the bytes; empty mostly.
  [[nodiscard]] std::span<const std::byte> metadata_bytes() const noexcept {
    return {metadata_, metadata_size_};
  }

 private:
  friend struct detail::PayloadAccess;
  void swap(Payload& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(metadata_, other.metadata_);
    std::swap(size_, other.size_);
    std::swap(metadata_size_, other.metadata_size_);
  }

  detail::BufferBlock* block_ = nullptr;
  const std::byte* data_ = nullptr;
  const std::byte* metadata_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t metadata_size_ = 0;
};

/// One thing that happened. Which fields mean something depends on `type`.
///
/// Lifetime: owns its payload; keep it, move it to another thread, let it outlive its host.
struct Event {
  // Not defaulted: `Event()` would fill it with zeros first, for every event that is handed out.
  Event() noexcept {}

  EventType type = EventType::error;
  Receipt receipt = Receipt::none;  ///< data_sent
  std::uint8_t channel = 0;         ///< object_received, data_received, data_sent
  /// The connection's own last event: a `disconnected`, or the `error` of a call that never came
  /// up. One of those types that an extension raises is none.
  bool is_last = false;
  std::uint32_t type_id = 0;                 ///< object_received: the wire hash of the type's name
  detail::PackedDecodeLimits decode_limits;  ///< what `HostConfig::decode` says
  Connection connection;  ///< whom it concerns; nobody for an error of the host itself
  /// data_sent: what `send` returned; transfer_*: the `TransferId`
  MessageId message_id = 0;
  /// error, disconnected, interrupted, login_failed: why; transfer_finished: why not, if so
  Error error;
  Payload payload;  ///< object_received, data_received

  /// The raw payload; for an object its encoded form.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return payload.bytes(); }

  /// The hash of the type's name on the wire; 0 when this is no object.
  [[nodiscard]] std::uint32_t message_type() const noexcept { return type_id; }
  /// The type's name, when a type of this program has it; otherwise empty.
  [[nodiscard]] TICKWIRE_API std::string_view message_name() const noexcept;
  /// What the sender put beside the message; empty when nothing was sent, or nothing sensible.
  [[nodiscard]] TICKWIRE_API Metadata metadata() const;

  /// Whether this is an object of type `T`. Defined in codec.hpp, as the next two.
  template <class T>
  [[nodiscard]] bool is() const noexcept;

  /// The object, decoded from the payload.
  ///
  /// Errors: `wrong_type` when this is no object of that type; `malformed_object`,
  ///         `budget_exceeded` when the bytes do not decode, with type and offset.
  template <class T>
  [[nodiscard]] Result<T> as() const;

  /// Decodes into an existing object, whose strings and vectors keep their memory.
  ///
  /// Errors: as `as`. The object is valid but unspecified after one, except after `wrong_type`,
  ///         which leaves it alone.
  template <class T>
  ErrorCode read(T& into) const;
};

}  // namespace tickwire
