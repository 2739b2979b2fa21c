// SPDX-License-Identifier: MIT
#include <tickwire/accounts.hpp>

#include "lib/features/accounts/stored_user.hpp"

/// For builds without SQLite, or without OpenSSL.
namespace tickwire {

namespace detail {
class UserStore {};
}  // namespace detail

namespace {

Error missing() {
  return {ErrorCode::not_supported, 0,
          "This build of Tickwire keeps no users: it was made without SQLite, or without TLS."};
}

}  // namespace

UserDatabase::UserDatabase(std::unique_ptr<detail::UserStore> store,
                           std::uint32_t iterations) noexcept
    : store_(std::move(store)), iterations_(iterations) {}
UserDatabase::~UserDatabase() = default;

Result<std::shared_ptr<UserDatabase>> UserDatabase::open(const std::string&,
                                                         const UserDatabaseOptions&) {
  return missing();
}
Result<void> UserDatabase::add(std::string_view, std::string_view) {
  return missing();
}
Result<void> UserDatabase::set_password(std::string_view, std::string_view) {
  return missing();
}
Result<void> UserDatabase::set_state(std::string_view, UserState) {
  return missing();
}
Result<void> UserDatabase::remove(std::string_view) {
  return missing();
}
Result<std::vector<UserRecord>> UserDatabase::users() const {
  return missing();
}
Result<detail::StoredUser> UserDatabase::account(std::string_view) const {
  return missing();
}

}  // namespace tickwire
