// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/accounts.hpp>

#include "lib/features/accounts/stored_user.hpp"

struct sqlite3;

namespace tickwire::detail {

/// The tables behind a `UserDatabase`. Derives no keys.
///
/// Errors: `database_failed`, with the file's name and SQLite's words.
/// Thread: any.
class UserStore {
 public:
  using Secret = std::array<std::byte, 32>;

  /// Errors: `invalid_argument` for an empty name; `database_failed` for a file that is locked, may
  ///         not be written, is no database, is another program's, or of a newer Tickwire.
  [[nodiscard]] static Result<std::unique_ptr<UserStore>> open(const std::string& file);
  ~UserStore();
  UserStore(const UserStore&) = delete;
  UserStore& operator=(const UserStore&) = delete;

  /// Nothing: there is no such user.
  [[nodiscard]] Result<std::optional<StoredUser>> find(std::string_view name);
  /// Those of the user whose salt is the next from `point` on, around the end. Nothing: there are
  /// no users.
  [[nodiscard]] Result<std::optional<std::uint32_t>> iterations_near(
      std::span<const std::byte> point);
  /// Errors: `user_exists`.
  [[nodiscard]] Result<void> add(std::string_view name, const ScramKeys& keys);
  // Errors of these: `no_such_user`.
  [[nodiscard]] Result<void> set_keys(std::string_view name, const ScramKeys& keys);
  [[nodiscard]] Result<void> set_state(std::string_view name, UserState state);
  [[nodiscard]] Result<void> remove(std::string_view name);
  [[nodiscard]] Result<std::vector<UserRecord>> users();

  /// Made with the database and known to nobody else.
  [[nodiscard]] const Secret& secret() const noexcept { return secret_; }

 private:
  class Statement;
  enum class Contents : std::uint8_t { nothing, users };

  UserStore(sqlite3* database, std::string file);
  [[nodiscard]] Result<void> prepare_tables();
  [[nodiscard]] Result<Contents> look_inside();
  [[nodiscard]] Result<void> make_tables();
  [[nodiscard]] Result<void> load_secret();
  [[nodiscard]] Result<void> run(const char* sql);
  [[nodiscard]] Result<int> number(const char* sql);
  [[nodiscard]] Result<void> change_one(Statement& statement);
  [[nodiscard]] Error failure(const char* what) const;
  [[nodiscard]] bool is_moved() const;

  sqlite3* database_;
  std::string file_;
  Secret secret_{};
  std::mutex mutex_;
};

}  // namespace tickwire::detail
