// SPDX-License-Identifier: MIT
#include <tickwire/accounts.hpp>

#include <array>
#include <span>
#include <utility>

#include "lib/crypto/hmac.hpp"
#include "lib/features/accounts/text_rules.hpp"
#include "lib/features/accounts/user_store.hpp"
#include "lib/platform/random.hpp"

namespace tickwire {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::uint32_t kMostIterations = 10'000'000;

Result<detail::ScramKeys> keys_for(std::string_view name, std::string_view password,
                                   std::uint32_t iterations) {
  if (auto usable = detail::check_user(name); !usable) return usable.error();
  if (auto usable = detail::check_password(password); !usable) return usable.error();
  std::vector<std::byte> salt(kSaltBytes);
  if (!detail::fill_random(salt)) {
    return Error{ErrorCode::out_of_resources, 0, "The system has no random numbers."};
  }
  return detail::make_scram_keys(std::as_bytes(std::span(password)), std::move(salt), iterations);
}

// No user is found by a name that none can have; what it says is for somebody's eyes.
Result<void> named(Result<void> result, std::string_view name) {
  if (result || result.error().code != ErrorCode::no_such_user) return result;
  const bool is_fit_to_show = detail::check_user(name).has_value();
  return Error{ErrorCode::no_such_user, 0,
               "There is no user '" + (is_fit_to_show ? std::string(name) : "?") + "'."};
}

crypto::Sha256Digest derived(const detail::UserStore::Secret& secret, std::string_view purpose,
                             std::string_view name) {
  const std::string text = std::string(purpose) + std::string(name);
  return crypto::hmac_sha256(secret, std::as_bytes(std::span(text)));
}

// A user who is not there has a salt too, the same one for each try, so that it does not show. The
// salt is another where the iterations are: that looks like a new password.
detail::StoredUser unknown_user(const detail::UserStore::Secret& secret, std::string_view name,
                                std::uint32_t iterations) {
  const auto salt = derived(secret, "salt " + std::to_string(iterations) + " ", name);
  detail::StoredUser user;
  user.keys.salt.assign(salt.begin(), salt.begin() + kSaltBytes);
  user.keys.iterations = iterations;
  user.keys.stored_key = derived(secret, "stored key ", name);
  user.keys.server_key = derived(secret, "server key ", name);
  return user;
}

}  // namespace

UserDatabase::UserDatabase(std::unique_ptr<detail::UserStore> store,
                           std::uint32_t iterations) noexcept
    : store_(std::move(store)), iterations_(iterations) {}
UserDatabase::~UserDatabase() = default;

Result<std::shared_ptr<UserDatabase>> UserDatabase::open(const std::string& file,
                                                         const UserDatabaseOptions& options) {
  const std::uint32_t least = options.weak_iterations_for_tests ? 1 : kSafeIterations;
  const std::uint32_t count = options.weak_iterations_for_tests.value_or(options.iterations);
  if (count < least || count > kMostIterations) {
    return Error{ErrorCode::invalid_argument, 0,
                 "UserDatabaseOptions::iterations must be 600,000 to 10,000,000."};
  }
  auto store = detail::UserStore::open(file);
  if (!store) return std::move(store).error();
  return std::shared_ptr<UserDatabase>(new UserDatabase(*std::move(store), count));
}

Result<void> UserDatabase::add(std::string_view name, std::string_view password) {
  const auto keys = keys_for(name, password, iterations_);
  return keys ? store_->add(name, *keys) : Result<void>(keys.error());
}

Result<void> UserDatabase::set_password(std::string_view name, std::string_view password) {
  const auto keys = keys_for(name, password, iterations_);
  return keys ? named(store_->set_keys(name, *keys), name) : Result<void>(keys.error());
}

Result<void> UserDatabase::set_state(std::string_view name, UserState state) {
  return named(store_->set_state(name, state), name);
}

Result<void> UserDatabase::remove(std::string_view name) {
  return named(store_->remove(name), name);
}

Result<detail::StoredUser> UserDatabase::account(std::string_view name) const {
  // Users whose passwords were set under other options have other counts, and so must unknown ones.
  // Theirs may change where a user is added or removed, or a password set.
  const auto& secret = store_->secret();
  const auto likely = store_->iterations_near(derived(secret, "user like ", name));
  if (!likely) return likely.error();
  auto invented = unknown_user(secret, name, likely->value_or(iterations_));
  auto found = store_->find(name);
  if (!found) return std::move(found).error();
  return *found ? **std::move(found) : std::move(invented);
}

Result<std::vector<UserRecord>> UserDatabase::users() const {
  return store_->users();
}

}  // namespace tickwire
