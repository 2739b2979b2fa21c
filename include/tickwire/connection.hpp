// SPDX-License-Identifier: MIT
#pragma once

#include <any>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/address.hpp>
#include <tickwire/config.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/send_buffer.hpp>
#include <tickwire/stats.hpp>
#include <tickwire/value.hpp>

namespace tickwire {

class Host;

namespace detail {
class HostCore;
class Peer;
}  // namespace detail

/// Names one sent message; unique within its host, never 0. A broadcast has one for all.
using MessageId = std::uint64_t;

/// Who called whom.
enum class Direction : std::uint8_t { dialled, accepted };

/// Whether a connection's messages are handed out; see `Host::set_receiving`.
enum class Receiving : std::uint8_t { on, paused };

/// Bytes that can change their owner, so that they are sent without a copy.
template <class T>
concept Sendable = std::same_as<T, std::vector<std::byte>> || std::same_as<T, SendBuffer>;

/// Settings of one send.
struct SendOptions {
  std::optional<Delivery> delivery{};  ///< nothing: the channel's own
  std::uint8_t channel = 0;
  Metadata metadata{};  ///< travels with the message
  /// Takes the place of a message that still waits under the same key, on the same channel and with
  /// the same delivery; its receipt says `dropped`. Not for reliable messages.
  std::optional<std::uint64_t> replace_key{};
};

/// What holds for a send that says nothing: one object for all of them, not a new one for each.
inline const SendOptions kDefaultSendOptions{};

/// Why a connection is closed, told to the other end.
///
/// Shape: codes from 0x1000 on are the program's own; 0 means nothing special; the rest belongs to
///        Tickwire. The text is cut to 200 bytes; the other end sees "?" for each control character
///        and each byte that is no UTF-8.
struct CloseReason {
  static constexpr std::uint16_t first_program_code = 0x1000;

  CloseReason() = default;
  CloseReason(const char* words) : text(words) {}
  CloseReason(std::string_view words) : text(words) {}
  CloseReason(const std::string& words) : text(words) {}
  CloseReason(std::uint16_t number, std::string_view words) : code(number), text(words) {}

  std::uint16_t code = 0;
  std::string text;
};

/// How a call goes that a host makes, or makes again; for "calling again in 3 s (2 of 10)".
struct CallStatus {
  /// 0: the first call of `connect`; from 1 on those that `ReconnectPolicy::max_attempts` counts,
  /// or while it is interrupted the calls back, which `Timeouts::resume_window` bounds.
  std::size_t attempt = 0;
  std::optional<TimePoint> due{};  ///< when it begins, by `Host::now`; nothing: it is under way
  /// Why the call before it failed, or the connection was lost; none: neither has happened.
  ErrorCode last_error = ErrorCode::none;
};

/// A handle to one connection of a host: small, copyable, comparable, hashable. A default-made one
/// is nobody. One that outlives its connection answers `not_connected`, or nothing, for ever.
///
/// Pre:      the host lives, for everything but comparing, hashing and `id`.
/// Lifetime: `address`, `name`, `direction`, `stats` and `user_data` stay readable until the pass
///           after the one that handed out `disconnected`.
/// Thread:   the thread that owns the host.
class TICKWIRE_API Connection {
 public:
  Connection() noexcept = default;

  /// A number that no other connection of this host ever has; 0 for nobody.
  [[nodiscard]] std::uint64_t id() const noexcept {
    return (static_cast<std::uint64_t>(generation_) << 32) | slot_;
  }
  /// Whether messages can be sent: from `connected` until it is closed by either side.
  [[nodiscard]] bool is_open() const noexcept;
  /// The other end; empty when the handle names nothing any more.
  [[nodiscard]] Address address() const;
  [[nodiscard]] Direction direction() const noexcept;
  /// What the dialling end calls itself (`ConnectOptions::name`), on both ends.
  [[nodiscard]] std::string name() const;
  /// The subject of the certificate that the other end has proven to own, over TLS, as in
  /// "CN=relay,O=Example"; empty without one, or where `TlsConfig::verify` is off.
  [[nodiscard]] std::string verified_subject() const;
  /// Whether nobody on the way can read along: TLS, or `memory://`, which leaves no process. Not
  /// while it is interrupted.
  [[nodiscard]] bool is_private() const noexcept;
  /// What the two ends of one TLS session share and nobody else knows, so that whoever sits in
  /// between has another at each side; empty without TLS, and while it is interrupted.
  ///
  /// Shape:  32 bytes, other ones once it is `resumed`.
  /// Source: RFC 9266, `tls-exporter`.
  [[nodiscard]] std::vector<std::byte> channel_binding() const;
  [[nodiscard]] ConnectionStats stats() const;
  /// What the other end's clock shows now, from the echoes that keep the connection alive; nothing
  /// before the first, and on raw streams.
  ///
  /// Units: a moment of the other host's own clock. Good to a few milliseconds as long as both ways
  ///        take equally long; half of what they differ by is not seen.
  [[nodiscard]] std::optional<TimePoint> peer_time() const;

  /// The connection that the host calls in place of this one, which was lost; nobody where it does
  /// not call again (see `ConnectOptions::reconnect`). Closing it ends the calling.
  ///
  /// Errors:   none; where there was no memory for it, an `error` event of the host says so.
  /// Events:   its own: `connected`, or the one `error` once no attempt is left or it is closed.
  /// Lifetime: named from this one's `disconnected` event on, for as long as its `address` is.
  [[nodiscard]] Connection successor() const noexcept;

  /// How the call goes that is to bring this connection up, or back after `interrupted`; nothing
  /// when there is none: it is open or has ended, or the other end does the calling.
  [[nodiscard]] std::optional<CallStatus> call_status() const noexcept;

  /// See the members of `Host` of the same names. Nobody answers `not_connected`.
  template <class T>
  Result<MessageId> send(const T& object, const SendOptions& options = kDefaultSendOptions) const;
  Result<MessageId> send_bytes(std::span<const std::byte> bytes,
                               const SendOptions& options = kDefaultSendOptions) const;
  template <Sendable Bytes>
  Result<MessageId> send_bytes(Bytes&& bytes,
                               const SendOptions& options = kDefaultSendOptions) const {
    return send_owned(std::move(bytes), options);
  }
  ErrorCode close(const CloseReason& reason = {}) const;
  /// Has `HostConfig::access` refuse the other end's address from now on, for a time or (nothing)
  /// for ever, and closes this connection; others of the address stay. Of an IPv6 address the first
  /// 64 bits are refused: one caller has as many of the rest as it likes.
  ///
  /// Errors: `not_connected`; `not_supported` without a `HostConfig::access`; `out_of_resources`
  ///         when that is full. The connection is closed by none of them.
  ErrorCode blacklist(std::optional<Duration> time = std::nullopt) const;

  /// The program's own data, or null when there is none of that type.
  template <class T>
  [[nodiscard]] T* user_data() const noexcept {
    return std::any_cast<T>(user_data_slot());
  }
  /// Errors:   `not_connected` when the handle names nothing any more.
  /// Lifetime: until it is replaced, or the handle names nothing any more; then it is destroyed
  ///           within a pass, and may use connections meanwhile, but not pump the host.
  ErrorCode set_user_data(std::any data) const;

  friend bool operator==(const Connection&, const Connection&) noexcept = default;
  friend std::strong_ordering operator<=>(const Connection&, const Connection&) noexcept = default;

 private:
  friend class detail::HostCore;
  friend struct std::hash<Connection>;
  Connection(Host* host, std::uint32_t slot, std::uint32_t generation) noexcept
      : host_(host), slot_(slot), generation_(generation) {}
  Result<MessageId> send_owned(std::vector<std::byte>&& bytes, const SendOptions& options) const;
  Result<MessageId> send_owned(SendBuffer&& bytes, const SendOptions& options) const;
  [[nodiscard]] detail::Peer* peer() const noexcept;
  [[nodiscard]] std::any* user_data_slot() const noexcept;

  Host* host_ = nullptr;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;  // never 0 for a real one
};

/// Who asks to come in, for `HostConfig::authenticate`.
struct ConnectionRequest {
  Address address{};
  /// What the dialler calls itself, see `ConnectOptions::name`: not proven, but fit to be printed.
  std::string name{};
  std::string verified_subject{};   ///< see `Connection::verified_subject`
  std::vector<std::byte> ticket{};  ///< see `ConnectOptions::ticket`; as little proven as the name
  /// What comes up if he is let in: what is found out about him can be its user data by then.
  /// Nobody on raw streams.
  Connection connection{};
};

}  // namespace tickwire

template <>
struct std::hash<tickwire::Connection> {
  [[nodiscard]] std::size_t operator()(const tickwire::Connection& connection) const noexcept {
    return std::hash<std::uint64_t>()(connection.id() * 0x9e3779b97f4a7c15u) ^
           std::hash<const void*>()(connection.host_);
  }
};
