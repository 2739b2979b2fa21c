// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <tickwire/export.hpp>

namespace tickwire {

/// What went wrong, in ranges: 1xxx a refused call (nothing changed), 2xxx this machine, 3xxx the
/// remote end, 4xxx protocol or security, 5xxx unknown. The numbers never change their meaning.
enum class ErrorCode : std::uint16_t {
  none = 0,

  // A refused call: nothing changed, the program can do something about it.
  not_connected = 1001,         ///< the handle names no open connection
  invalid_argument = 1002,      ///< an argument is out of its range; the detail names it
  invalid_address = 1003,       ///< the URL cannot be parsed
  unknown_scheme = 1004,        ///< no transport of this build speaks the scheme
  message_too_large = 1005,     ///< above `max_message_bytes`, or `max_unreliable_bytes`
  send_queue_full = 1006,       ///< `max_send_queue_bytes` of the connection is reached
  too_many_connections = 1007,  ///< `max_connections` is reached
  no_such_channel = 1008,       ///< the channel is not configured
  reentrant_call = 1009,        ///< made inside a callback, or `serialize`, that does not allow it
  not_supported = 1010,         ///< this transport or build cannot do it
  encode_failed = 1011,         ///< the object's own serialize function threw
  wrong_type = 1012,            ///< the event holds another type, or none
  timed_out = 1013,             ///< a call that waits ran out of time
  queue_full = 1014,            ///< as much waits or runs already as a feature's options allow
  too_many_transfers = 1020,    ///< a limit of `TransferOptions` is reached
  file_exists = 1021,           ///< something is in the way, and may not be replaced
  not_private = 1030,           ///< somebody could read along, which is not wanted here
  user_exists = 1031,           ///< another user has the name
  no_such_user = 1032,

  // This machine.
  address_in_use = 2001,
  address_unavailable = 2002,  ///< not an address of this machine, or no right to use it
  name_not_resolved = 2003,    ///< the host name has no address, or no name server answers
  out_of_resources = 2004,     ///< descriptors, ports or memory
  socket_failed = 2005,        ///< the operating system refused a socket call
  file_unreadable = 2006,
  clock_mismatch = 2007,            ///< a second ENet host of this process uses another clock
  certificate_unusable = 2008,      ///< a file holds no certificate or key that TLS can use
  certificate_key_mismatch = 2009,  ///< the private key belongs to another certificate
  exception_thrown = 2010,  ///< by the program's own code: a handler, a task, background work
  listener_lost = 2011,     ///< an address that was listened at takes nobody any more
  file_unwritable = 2020,   ///< no right, no such folder, or a failing disk
  disk_full = 2021,         ///< no room, or a quota or limit of file sizes is reached
  file_changed = 2022,      ///< while it was being sent
  database_failed = 2030,   ///< locked, damaged, or not to be written

  // The remote end.
  connect_timed_out = 3001,    ///< nobody answered
  connection_refused = 3002,   ///< the remote end turned the connection down
  connection_lost = 3003,      ///< the remote end fell silent, or acknowledges nothing any more
  connection_reset = 3004,     ///< the transport was cut without a goodbye
  closed_by_peer = 3005,       ///< the remote program closed; the detail is its reason
  closed_locally = 3006,       ///< this program closed
  server_full = 3007,          ///< the remote host has no free connection
  handshake_timed_out = 3008,  ///< the transport is up, but the session never came up
  stream_truncated = 3009,     ///< the remote end's stream ended before its goodbye
  not_resumable = 3010,        ///< the remote end no longer has the connection to come back to
  transfer_refused = 3020,     ///< the remote end does not want it; the detail is its reason
  transfer_cancelled = 3021,   ///< one of the two programs ended it; the detail says which
  transfer_failed = 3022,      ///< the remote end could not go on; the detail says why
  login_unavailable = 3030,    ///< the remote end cannot look at its users at present

  // Protocol or security.
  protocol_violation = 4001,      ///< bytes that no correct Tickwire peer sends
  version_mismatch = 4002,        ///< no wire version in common
  application_mismatch = 4003,    ///< the other end runs another application
  schema_mismatch = 4004,         ///< the same application, another schema
  refused_by_application = 4005,  ///< the remote `authenticate` hook said no
  unsupported_extension = 4006,   ///< the other end demands something that this build does not know
  malformed_object = 4007,        ///< the payload does not decode as the type
  budget_exceeded = 4008,         ///< a decode would need more memory or depth than allowed
  certificate_expired = 4009,     ///< the other end's certificate is out of date, or not yet valid
  certificate_wrong_host = 4010,  ///< the other end's certificate is for another name or address
  certificate_untrusted = 4011,   ///< nobody whom this end believes has issued it
  certificate_rejected = 4012,    ///< the other end refused this end's certificate, or misses one
  not_tls = 4013,                 ///< the other end does not speak TLS
  tls_failed = 4014,              ///< the TLS handshake or a TLS record failed
  filter_mismatch = 4015,         ///< one end demands a filter that the other does not have
  checksum_mismatch = 4020,       ///< what came is not what the other end says it sent
  login_failed = 4030,            ///< the other end knows no such user with that password
  account_disabled = 4031,        ///< the password is right, and the user may not log in
  too_many_tries = 4032,          ///< to log in; wait a while
  server_not_proven = 4033,       ///< the other end is not who it seems: it does not know the user

  unknown = 5001,
};

/// A few words for a code, for logs: "address in use". Never empty.
TICKWIRE_API std::string_view to_string(ErrorCode code) noexcept;

/// A failure: what it was, the operating system's or TLS library's number behind it (0: none), and
/// a sentence in plain English that a user can act on.
struct Error {
  ErrorCode code = ErrorCode::none;
  int system_code = 0;
  std::string detail;

  /// The sentence to show: the detail, or the code's own words where there is none.
  [[nodiscard]] TICKWIRE_API std::string message() const;
};

/// Holds a `T` or the `Error` that stands in its way.
///
/// Pre: `*`, `->` only when it holds a value, `error()` only when it does not. Builds without
///      `NDEBUG` stop with an assertion otherwise; in others anything may happen.
template <class T>
class Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] T& operator*() & noexcept { return *stored(); }
  [[nodiscard]] const T& operator*() const& noexcept { return *stored(); }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*stored()); }
  [[nodiscard]] T* operator->() noexcept { return stored(); }
  [[nodiscard]] const T* operator->() const noexcept { return stored(); }
  [[nodiscard]] const Error& error() const& noexcept {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] Error&& error() && noexcept {
    assert(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  template <class U>
  [[nodiscard]] T value_or(U&& fallback) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(fallback));
  }
  template <class U>
  [[nodiscard]] T value_or(U&& fallback) && {
    return has_value() ? std::move(**this) : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  [[nodiscard]] T* stored() noexcept {
    assert(has_value());
    return std::get_if<0>(&state_);
  }
  [[nodiscard]] const T* stored() const noexcept {
    assert(has_value());
    return std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or the `Error`. Pre: `error()` only when there is one.
template <>
class Result<void> {
 public:
  // Not defaulted: `return {}` would fill the room for the error with zeros first.
  Result() noexcept {}
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] const Error& error() const& noexcept {
    assert(error_);
    return *error_;
  }
  [[nodiscard]] Error&& error() && noexcept {
    assert(error_);
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace tickwire
