// SPDX-License-Identifier: MIT
#include "lib/features/accounts/user_store.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "lib/platform/file.hpp"
#include "lib/platform/random.hpp"

namespace tickwire::detail {
namespace {

constexpr int kApplicationId = 0x54574143;  // "TWAC"
constexpr int kSchemaVersion = 1;
// Another program's change takes less.
constexpr int kBusyMilliseconds = 2000;

constexpr const char* kSchema =
    "CREATE TABLE users (name TEXT PRIMARY KEY NOT NULL, salt BLOB NOT NULL,"
    " iterations INTEGER NOT NULL CHECK (iterations > 0),"
    " stored_key BLOB NOT NULL CHECK (length(stored_key) = 32),"
    " server_key BLOB NOT NULL CHECK (length(server_key) = 32),"
    " disabled INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, changed INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE secrets (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = 1415004483;"
    "PRAGMA user_version = 1;";

// For `iterations_near`, which then reads one entry and no table. Older files get it too.
constexpr const char* kSaltIndex =
    "CREATE INDEX IF NOT EXISTS users_by_salt ON users (salt, iterations)";

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// A prepared statement with its values, for one use.
class UserStore::Statement {
 public:
  Statement(sqlite3* database, const char* sql) noexcept {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) {
      statement_ = nullptr;
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::string_view text) {
    sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()),
                      SQLITE_STATIC);
    return *this;
  }
  Statement& bind(std::span<const std::byte> bytes) {
    sqlite3_bind_blob(statement_, ++bound_, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_STATIC);
    return *this;
  }
  Statement& bind(std::int64_t number) {
    sqlite3_bind_int64(statement_, ++bound_, number);
    return *this;
  }
  // One that could not be prepared fails here.
  [[nodiscard]] int step() noexcept {
    return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_);
  }

  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string text(int column) const {
    const auto bytes = blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] std::span<const std::byte> blob(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {static_cast<const std::byte*>(data), data != nullptr ? size : 0};
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

namespace {

bool copy_digest(std::span<const std::byte> from, crypto::Sha256Digest& into) {
  if (from.size() != into.size()) return false;
  std::copy(from.begin(), from.end(), into.begin());
  return true;
}

}  // namespace

UserStore::UserStore(sqlite3* database, std::string file)
    : database_(database), file_(std::move(file)) {}

UserStore::~UserStore() {
  sqlite3_close(database_);
}

Error UserStore::failure(const char* what) const {
  const int code = database_ != nullptr ? sqlite3_extended_errcode(database_) : SQLITE_NOMEM;
  const std::string words = database_ != nullptr ? sqlite3_errmsg(database_) : "out of memory";
  const bool is_busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
  return {ErrorCode::database_failed, code,
          "The user database " + file_ + " " + what + ": " +
              (is_busy      ? "another program keeps it locked"
               : is_moved() ? "the file was moved, removed or replaced while it was open"
                            : words) +
              "."};
}

// What is read of such a file is old, and what is written to it is lost. One in memory never is.
bool UserStore::is_moved() const {
  if (database_ == nullptr) return false;
  int moved = 0;
  const int answer = sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return answer == SQLITE_OK && moved != 0;
}

Result<void> UserStore::run(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure("cannot be used");
}

Result<int> UserStore::number(const char* sql) {
  Statement query(database_, sql);
  if (query.step() != SQLITE_ROW) return failure("cannot be read");
  return static_cast<int>(query.number(0));
}

Result<std::unique_ptr<UserStore>> UserStore::open(const std::string& file) {
  if (file.empty()) return Error{ErrorCode::invalid_argument, 0, "A user database needs a file."};
  // What is in it helps to guess at passwords, and SQLite would make it for all to read.
  if (file != ":memory:") {
    if (const auto made = make_private_file(file); !made) {
      return Error{ErrorCode::database_failed, made.error().system_code,
                   "The user database cannot be opened: " + made.error().message()};
    }
  }
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int answer = sqlite3_open_v2(file.c_str(), &database, flags, nullptr);
  std::unique_ptr<UserStore> store(new UserStore(database, file));
  if (answer != SQLITE_OK) return store->failure("cannot be opened");
  if (sqlite3_db_readonly(database, "main") == 1) {
    return Error{ErrorCode::database_failed, SQLITE_READONLY,
                 "The user database " + file + " may be read, but not written."};
  }
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, kBusyMilliseconds);
  if (auto ready = store->prepare_tables(); !ready) return std::move(ready).error();
  return store;
}

Result<void> UserStore::prepare_tables() {
  // The journal's mode stays in the file, so nobody else's is changed. All is looked at in one
  // moment: another program may be making the tables.
  if (auto begun = run("BEGIN"); !begun) return begun;
  const auto inside = look_inside();
  static_cast<void>(run("ROLLBACK"));
  if (!inside) return inside.error();
  // Readers then never wait for a writer; and a lost power supply takes no finished change.
  if (auto done = run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"); !done) return done;
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  auto made = make_tables();
  if (made) made = run(kSaltIndex);
  if (!made) {
    static_cast<void>(run("ROLLBACK"));
    return made;
  }
  return run("COMMIT");
}

Result<UserStore::Contents> UserStore::look_inside() {
  const auto tables = number("SELECT count(*) FROM sqlite_schema");
  const auto application = number("PRAGMA application_id");
  const auto version = number("PRAGMA user_version");
  if (!tables) return tables.error();
  if (!application) return application.error();
  if (!version) return version.error();
  if (*tables == 0 && *application == 0 && *version == 0) return Contents::nothing;
  if (*application != kApplicationId) {
    return Error{ErrorCode::database_failed, 0,
                 file_ + " is a database of another program, not one of users."};
  }
  if (*version != kSchemaVersion) {
    return Error{ErrorCode::database_failed, 0,
                 "The user database " + file_ + " is of version " + std::to_string(*version) +
                     "; this build knows version " + std::to_string(kSchemaVersion) + "."};
  }
  return Contents::users;
}

// Looks once more: another program may have made them meanwhile.
Result<void> UserStore::make_tables() {
  const auto inside = look_inside();
  if (!inside) return inside.error();
  if (*inside == Contents::nothing) {
    if (auto made = run(kSchema); !made) return made;
    return load_secret();
  }
  Statement check(database_, "PRAGMA quick_check(1)");
  if (check.step() != SQLITE_ROW) return failure("cannot be read");
  if (check.text(0) != "ok") {
    return Error{ErrorCode::database_failed, SQLITE_CORRUPT,
                 "The user database " + file_ + " is damaged: " + check.text(0) + "."};
  }
  return load_secret();
}

Result<void> UserStore::load_secret() {
  Statement query(database_, "SELECT value FROM secrets WHERE name = 'unknown users'");
  const int answer = query.step();
  if (answer == SQLITE_ROW && query.blob(0).size() == secret_.size()) {
    const auto bytes = query.blob(0);
    std::copy(bytes.begin(), bytes.end(), secret_.begin());
    return {};
  }
  if (answer != SQLITE_DONE) return failure("has no secret of its own");
  if (!fill_random(secret_)) {
    return Error{ErrorCode::out_of_resources, 0, "The system has no random numbers."};
  }
  Statement insert(database_, "INSERT INTO secrets VALUES ('unknown users', ?)");
  if (insert.bind(secret_).step() != SQLITE_DONE) return failure("cannot be written");
  return {};
}

Result<std::optional<StoredUser>> UserStore::find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  Statement query(database_,
                  "SELECT salt, iterations, stored_key, server_key, disabled FROM users"
                  " WHERE name = ?");
  if (is_moved()) return failure("cannot be read");
  const int answer = query.bind(name).step();
  if (answer == SQLITE_DONE) return std::optional<StoredUser>();
  if (answer != SQLITE_ROW) return failure("cannot be read");
  StoredUser user;
  const auto salt = query.blob(0);
  user.keys.salt.assign(salt.begin(), salt.end());
  user.keys.iterations = static_cast<std::uint32_t>(query.number(1));
  user.state = query.number(4) == 0 ? UserState::enabled : UserState::disabled;
  if (!copy_digest(query.blob(2), user.keys.stored_key) ||
      !copy_digest(query.blob(3), user.keys.server_key)) {
    return Error{ErrorCode::database_failed, 0,
                 "The user database " + file_ + " holds a user without usable keys."};
  }
  return std::optional<StoredUser>(std::move(user));
}

Result<std::optional<std::uint32_t>> UserStore::iterations_near(std::span<const std::byte> point) {
  const std::lock_guard lock(mutex_);
  Statement query(database_,
                  "SELECT coalesce("
                  "(SELECT iterations FROM users WHERE salt >= ? ORDER BY salt LIMIT 1),"
                  "(SELECT iterations FROM users ORDER BY salt LIMIT 1), 0)");
  if (query.bind(point).step() != SQLITE_ROW) return failure("cannot be read");
  const auto iterations = static_cast<std::uint32_t>(query.number(0));
  return iterations > 0 ? std::optional(iterations) : std::nullopt;
}

Result<void> UserStore::add(std::string_view name, const ScramKeys& keys) {
  const std::lock_guard lock(mutex_);
  Statement insert(database_,
                   "INSERT INTO users (name, salt, iterations, stored_key, server_key, created,"
                   " changed) VALUES (?, ?, ?, ?, ?, ?, ?)");
  const std::int64_t now = seconds_now();
  insert.bind(name).bind(keys.salt).bind(keys.iterations).bind(keys.stored_key);
  if (is_moved()) return failure("cannot be written");
  const int answer = insert.bind(keys.server_key).bind(now).bind(now).step();
  if (answer == SQLITE_DONE) return {};
  if ((answer & 0xff) == SQLITE_CONSTRAINT) {
    return Error{ErrorCode::user_exists, 0, "There is a user '" + std::string(name) + "' already."};
  }
  return failure("cannot be written");
}

Result<void> UserStore::change_one(Statement& statement) {
  if (is_moved() || statement.step() != SQLITE_DONE) return failure("cannot be written");
  if (sqlite3_changes(database_) == 1) return {};
  return Error{ErrorCode::no_such_user, 0, {}};
}

Result<void> UserStore::set_keys(std::string_view name, const ScramKeys& keys) {
  const std::lock_guard lock(mutex_);
  Statement update(database_,
                   "UPDATE users SET salt = ?, iterations = ?, stored_key = ?, server_key = ?,"
                   " changed = ? WHERE name = ?");
  update.bind(keys.salt).bind(keys.iterations).bind(keys.stored_key).bind(keys.server_key);
  return change_one(update.bind(seconds_now()).bind(name));
}

Result<void> UserStore::set_state(std::string_view name, UserState state) {
  const std::lock_guard lock(mutex_);
  Statement update(database_, "UPDATE users SET disabled = ? WHERE name = ?");
  return change_one(update.bind(state == UserState::disabled ? 1 : 0).bind(name));
}

Result<void> UserStore::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  Statement removal(database_, "DELETE FROM users WHERE name = ?");
  return change_one(removal.bind(name));
}

Result<std::vector<UserRecord>> UserStore::users() {
  const std::lock_guard lock(mutex_);
  Statement query(database_,
                  "SELECT name, disabled, iterations, created, changed FROM users ORDER BY name");
  std::vector<UserRecord> all;
  int answer = query.step();
  for (; answer == SQLITE_ROW; answer = query.step()) {
    const auto time = [&](int column) {
      return std::chrono::system_clock::time_point(std::chrono::seconds(query.number(column)));
    };
    all.push_back({.name = query.text(0),
                   .state = query.number(1) == 0 ? UserState::enabled : UserState::disabled,
                   .iterations = static_cast<std::uint32_t>(query.number(2)),
                   .added = time(3),
                   .password_set = time(4)});
  }
  if (answer != SQLITE_DONE || is_moved()) return failure("cannot be read");
  return all;
}

}  // namespace tickwire::detail
