// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/extension.hpp>

namespace tickwire {

namespace detail {
class AccountsCore;
class UserStore;
struct StoredUser;
}  // namespace detail

/// Iterations of PBKDF2 that a password is worth at least: OWASP's figure for SHA-256 of 2023.
inline constexpr std::uint32_t kSafeIterations = 600'000;

/// Settings of a `UserDatabase`.
struct UserDatabaseOptions {
  /// What a guess at a stolen password costs, for passwords that are set from now on: about 0.2 s
  /// of one core. From `kSafeIterations` to 10,000,000.
  std::uint32_t iterations = kSafeIterations;
  /// Instead of `iterations`, and as few as you like.
  std::optional<std::uint32_t> weak_iterations_for_tests{};
};

/// Whether a user may log in.
enum class UserState : std::uint8_t { enabled, disabled };

/// What is known of a user; no password, and nothing to log in with.
struct UserRecord {
  std::string name;
  UserState state = UserState::enabled;
  std::uint32_t iterations = 0;
  std::chrono::system_clock::time_point added{};
  std::chrono::system_clock::time_point password_set{};
};

/// Users and what proves their passwords (salt, iterations, StoredKey and ServerKey), in a SQLite
/// file. Nobody can log in with what it holds, but one who has it can guess: keep it to yourself. A
/// new file is readable by its owner alone.
///
/// Shape:  of a name: 1 to 64 bytes of UTF-8 without control characters, nor a space at either end.
///         Of a password: 1 to 1,024 bytes of the same, spaces allowed. Both are compared byte by
///         byte: nothing is normalised, so that a letter with an accent can be typed in two ways
///         which are not the same; let programs send what the platform gives them in NFC.
/// Errors: of every call: `database_failed`, with the file and SQLite's words.
/// Thread: any. Calls that set a password take a part of a second and others may wait for the disk,
///         so not the host's; see `Workers`.
/// Source: RFC 5802, RFC 7677.
class TICKWIRE_API UserDatabase {
 public:
  /// Opens a file, or makes it.
  ///
  /// Errors: `invalid_argument`; `database_failed` where it is locked, damaged, may not be written,
  ///         another program's, or of a newer version; `not_supported` in a build without SQLite or
  ///         without TLS.
  [[nodiscard]] static Result<std::shared_ptr<UserDatabase>> open(
      const std::string& file, const UserDatabaseOptions& options = {});
  ~UserDatabase();
  UserDatabase(const UserDatabase&) = delete;
  UserDatabase& operator=(const UserDatabase&) = delete;

  /// Errors: `invalid_argument`, with what is wrong with name or password; `user_exists`.
  Result<void> add(std::string_view name, std::string_view password);
  // Errors of these: `no_such_user`.
  /// Who is logged in stays so. Errors: `invalid_argument`, too.
  Result<void> set_password(std::string_view name, std::string_view password);
  Result<void> set_state(std::string_view name, UserState state);
  Result<void> remove(std::string_view name);

  /// All of them, by name.
  [[nodiscard]] Result<std::vector<UserRecord>> users() const;

 private:
  friend class detail::AccountsCore;
  UserDatabase(std::unique_ptr<detail::UserStore> store, std::uint32_t iterations) noexcept;
  // Of a name that nobody has, too, in the same time.
  [[nodiscard]] Result<detail::StoredUser> account(std::string_view name) const;

  std::unique_ptr<detail::UserStore> store_;
  std::uint32_t iterations_;
};

/// Over which connections a login may go.
enum class LoginOver : std::uint8_t {
  encrypted,  ///< `tls://`, and `memory://`, which leaves no process
  /// Also `tcp://` and `enet://`. No password travels there either, but whoever reads along can
  /// guess at it, and take the connection over once it is logged in.
  any_readable_by_others,
};

/// Settings of `Accounts`.
struct AccountsOptions {
  /// Who may log in here. Nothing: this end only logs in elsewhere.
  std::shared_ptr<UserDatabase> users{};
  LoginOver login_over = LoginOver::encrypted;
  /// Iterations that a server may ask this end for. One that asks for fewer could be after a proof
  /// that is quick to guess at, one that asks for more after this end's time.
  std::uint32_t min_iterations = kSafeIterations;
  std::uint32_t max_iterations = 10'000'000;
  /// Logins that one connection may begin before it is closed.
  std::size_t max_tries_per_connection = 5;
  /// Failures of one address, or for one user, before the next try has to wait: `first_delay`, and
  /// twice as long for each one more, up to `max_delay`. Tries under way count here as well.
  std::size_t tries_without_delay = 3;
  Duration first_delay = std::chrono::seconds(1);
  Duration max_delay = std::chrono::seconds(16);
  /// Failures of one address before it is refused; as many tries under way have the next one wait
  /// for `max_delay`. An IPv6 address counts by its first 64 bits.
  std::size_t max_tries_per_address = 50;
  /// When the failures of an address, or for a user, are forgotten; from the last one on.
  Duration forget_failures_after = std::chrono::minutes(15);
  /// Addresses and users whose failures are remembered; the longest ago gives way.
  std::size_t max_remembered = 16'384;
  /// For the other end to answer, its delays included.
  Duration answer_timeout = std::chrono::seconds(60);
};

/// What an `Accounts` has done so far.
struct AccountsStats {
  std::uint64_t logged_in = 0;          ///< here, and from here elsewhere
  std::uint64_t wrong_password = 0;     ///< here; an unknown user counts the same
  std::uint64_t disabled = 0;           ///< here: the right password of a disabled user
  std::uint64_t delayed = 0;            ///< here: tries that had to wait
  std::uint64_t too_many_tries = 0;     ///< here: tries that were refused
  std::uint64_t not_private = 0;        ///< here: refused, as the connection is not encrypted
  std::uint64_t binding_refused = 0;    ///< here: not bound to this very TLS session
  std::uint64_t malformed = 0;          ///< messages that make no sense, or not now
  std::uint64_t database_failures = 0;  ///< here: the database could not be asked
  std::uint64_t failed_elsewhere = 0;   ///< logins from here that the other end refused, or lost
};

/// Logs users in, over the wire, at either end; one of them has the `UserDatabase`. The password
/// never travels, the server proves that it knows the user too, and over TLS the login is bound to
/// that very TLS session: SCRAM-SHA-256, and SCRAM-SHA-256-PLUS with `tls-exporter`.
///
/// A dialling end gives `ConnectOptions::login`, or calls `login`. Both ends attach one of these.
///
/// A login that is under way when its connection is interrupted, or is asked for then, goes on once
/// that is resumed. Over TLS it begins again, because it is bound to the session.
///
/// Pre:      `HostConfig::events` has `object_received`. The other end dialled, or was dialled, by
///           a scheme that has messages.
/// Events:   at both ends `logged_in`, once at most for a connection; `user` then has the name, for
///           the program and for extensions that were attached after this one. Where it fails,
///           `login_failed` at the dialling end, with `error`: `login_failed` (wrong name or
///           password), `account_disabled`, `too_many_tries`, `not_private`, `server_not_proven`,
///           `login_unavailable`, `timed_out`, `not_supported` (no users there),
///           `protocol_violation`. The connection stays then, and `login` may be called again,
///           except after `server_not_proven`, which closes it. An `error` without a connection
///           says that the database fails.
/// Lifetime: destroying it waits for a key that is being derived.
/// Thread:   the host's. Keys are derived and the database is asked elsewhere.
/// Source:   RFC 5802, RFC 7677, RFC 9266.
class TICKWIRE_API Accounts final : public Extension {
 public:
  explicit Accounts(AccountsOptions options = {});
  ~Accounts() override;

  /// Begins to log in, at once or when the connection is up. The password is wiped from memory when
  /// that has succeeded or failed.
  ///
  /// Errors: `not_connected`; `invalid_argument`: this end was called, name or password cannot be
  ///         any user's, or a login is under way or done; `not_private`; `not_supported`: a build
  ///         without TLS, not attached, or no `object_received`.
  Result<void> login(Connection connection, std::string_view user, std::string_view password);

  /// Who is logged in; empty before that. Stays readable as `Connection::address` does.
  [[nodiscard]] std::string user(Connection connection) const;
  /// Every open connection that the user is logged in on, here.
  [[nodiscard]] std::vector<Connection> connections_of(std::string_view user) const;
  [[nodiscard]] AccountsStats stats() const;

  void on_attach(Host& host) override;
  void on_detach(Host& host) override;
  Disposition on_event(Host& host, Event& event) override;
  void on_pass(Host& host) override;
  [[nodiscard]] TimePoint wake_at() const override;
  Result<void> on_login(Host& host, Connection connection, const Login& login) override;

 private:
  std::unique_ptr<detail::AccountsCore> core_;
};

}  // namespace tickwire
