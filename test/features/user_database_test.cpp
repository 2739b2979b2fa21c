// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tickwire/accounts.hpp>

#include "test/features/accounts_rig.hpp"
#include "test/support/why.hpp"

/// The users in their file.
using namespace tickwire;
using namespace std::chrono_literals;

namespace {

constexpr UserDatabaseOptions kQuick{.weak_iterations_for_tests = 1};

/// A folder for one test.
struct Folder {
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string file(const char* name = "users.db") const {
    return (path / name).string();
  }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("tickwire-users-" +
       std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
};

std::shared_ptr<UserDatabase> open(const std::string& file) {
  auto opened = UserDatabase::open(file, kQuick);
  REQUIRE_MESSAGE(opened, test::why(opened));
  return *opened;
}

/// What is said to a file; empty when it is taken.
std::string complaint(const std::string& file) {
  const auto opened = UserDatabase::open(file, kQuick);
  if (opened) return {};
  CHECK(opened.error().code == ErrorCode::database_failed);
  CHECK(opened.error().message().find(file) != std::string::npos);
  return opened.error().message();
}

void run(const std::string& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Notes who may read a database at the moment when SQLite has opened it.
class OpenedFiles {
 public:
  OpenedFiles() {
    original_ = sqlite3_vfs_find(nullptr);
    REQUIRE(original_ != nullptr);
    watching_ = *original_;
    watching_.zName = "watching";
    watching_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
      const int answer = original_->xOpen(original_, name, file, flags, out);
      if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && answer == SQLITE_OK)
        seen_.push_back(std::filesystem::status(name).permissions());
      return answer;
    };
    REQUIRE(sqlite3_vfs_register(&watching_, 1) == SQLITE_OK);
  }
  ~OpenedFiles() {
    sqlite3_vfs_unregister(&watching_);
    sqlite3_vfs_register(original_, 1);
    seen_.clear();
  }
  OpenedFiles(const OpenedFiles&) = delete;
  OpenedFiles& operator=(const OpenedFiles&) = delete;
  [[nodiscard]] const std::vector<std::filesystem::perms>& seen() const { return seen_; }

 private:
  static inline sqlite3_vfs* original_ = nullptr;
  static inline std::vector<std::filesystem::perms> seen_;
  sqlite3_vfs watching_{};
};

}  // namespace

TEST_CASE("users are added, listed, disabled, given a password and removed") {
  Folder folder;
  const auto before = std::chrono::system_clock::now() - 2s;
  const auto users = open(folder.file());
  REQUIRE(users->add("bob", "daisies"));
  REQUIRE(users->add("ann", "tulips"));
  CHECK(users->add("ann", "roses").error().code == ErrorCode::user_exists);
  auto all = users->users();
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].name == "ann");
  CHECK((*all)[0].state == UserState::enabled);
  CHECK((*all)[0].iterations == 1);
  CHECK((*all)[0].added >= before);
  CHECK((*all)[0].added <= std::chrono::system_clock::now());
  REQUIRE(users->set_state("bob", UserState::disabled));
  REQUIRE(users->set_password("bob", "asters"));
  REQUIRE(users->remove("ann"));
  all = users->users();
  REQUIRE(all->size() == 1);
  CHECK((*all)[0].state == UserState::disabled);
  for (const auto& failed : {users->remove("ann"), users->set_password("ann", "x"),
                             users->set_state("ann", UserState::enabled), users->remove("a\nb")}) {
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::no_such_user);
    CHECK(failed.error().message().find('\n') == std::string::npos);
  }
}

TEST_CASE("users survive a restart, and nobody else may read their file") {
  using std::filesystem::perms;
  Folder folder;
  REQUIRE(open(folder.file())->add("ann", "tulips"));
  CHECK(std::filesystem::status(folder.file()).permissions() ==
        (perms::owner_read | perms::owner_write));
  CHECK(open(folder.file())->users()->size() == 1);
  const std::string bytes = bytes_of(folder.file());
  CHECK(bytes.find("ann") != std::string::npos);
  CHECK(bytes.find("tulips") == std::string::npos);
}

TEST_CASE("nobody else may read a new file, not even for the moment before it has users") {
  using std::filesystem::perms;
  Folder folder;
  const OpenedFiles opened;
  static_cast<void>(open(folder.file()));
  REQUIRE(opened.seen().size() == 1);
  CHECK(opened.seen()[0] == (perms::owner_read | perms::owner_write));
  // One that is there is its owner's business.
  const perms shared = perms::owner_read | perms::owner_write | perms::group_read;
  std::filesystem::permissions(folder.file(), shared);
  static_cast<void>(open(folder.file()));
  REQUIRE(opened.seen().size() == 2);
  CHECK(opened.seen()[1] == shared);
}

TEST_CASE("a database that is not of this version's users is left as it is, byte by byte") {
  Folder folder;
  const auto stays = [&](const char* name) {
    const std::string file = folder.file(name), before = bytes_of(file);
    REQUIRE_FALSE(before.empty());
    CHECK_FALSE(complaint(file).empty());
    CHECK(bytes_of(file) == before);
    CHECK_FALSE(std::filesystem::exists(file + "-wal"));
  };
  run(folder.file("other.db"), "CREATE TABLE things (name TEXT)");
  stays("other.db");
  run(folder.file("empty.db"), "PRAGMA application_id = 7");
  stays("empty.db");
  run(folder.file("begun.db"), "PRAGMA user_version = 7");
  stays("begun.db");
  run(folder.file("newer.db"),
      "CREATE TABLE users (name TEXT); PRAGMA application_id = 1415004483;"
      "PRAGMA user_version = 2");
  stays("newer.db");
  // But an empty one becomes one of users.
  std::ofstream(folder.file("nothing.db")).flush();
  CHECK(complaint(folder.file("nothing.db")).empty());
}

TEST_CASE("names and passwords that cannot be are refused before anything is derived") {
  const auto users = UserDatabase::open(":memory:");
  REQUIRE(users);
  CHECK((*users)->add("", "x").error().code == ErrorCode::invalid_argument);
  CHECK((*users)->add("ann", "").error().code == ErrorCode::invalid_argument);
  CHECK((*users)->add("ann\n", "x").error().code == ErrorCode::invalid_argument);
  CHECK((*users)->add("ann", "\xff").error().code == ErrorCode::invalid_argument);
  CHECK((*users)->users()->empty());
  // What looks like SQL is a name.
  const auto quick = open(":memory:");
  CHECK(quick->add("x'); DROP TABLE users; --", "x"));
  CHECK(quick->users()->size() == 1);
}

TEST_CASE("fewer iterations than are safe need the option that says so") {
  CHECK(UserDatabase::open(":memory:", {.iterations = 599'999}).error().code ==
        ErrorCode::invalid_argument);
  CHECK(UserDatabase::open(":memory:", {.iterations = 10'000'001}).error().code ==
        ErrorCode::invalid_argument);
  CHECK(UserDatabase::open(":memory:", {.weak_iterations_for_tests = 0}).error().code ==
        ErrorCode::invalid_argument);
  CHECK(UserDatabase::open(":memory:", {.iterations = 600'000}));
  CHECK(UserDatabase::open("").error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a file that is no database of users is refused with the reason") {
  Folder folder;
  const auto says = [&](const std::string& file, std::string_view words) {
    const std::string text = complaint(file);
    INFO(text);
    CHECK(text.find(words) != std::string::npos);
  };
  says(folder.path.string(), "cannot be opened");
  says((folder.path / "missing" / "users.db").string(), "cannot be opened");

  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  says(folder.file("text.db"), "not a database");

  run(folder.file("other.db"), "CREATE TABLE things (name TEXT)");
  says(folder.file("other.db"), "another program");

  static_cast<void>(open(folder.file("new.db")));
  run(folder.file("new.db"), "PRAGMA user_version = 2");
  says(folder.file("new.db"), "version 2");

  static_cast<void>(open(folder.file("secret.db")));
  run(folder.file("secret.db"), "UPDATE secrets SET value = x'00'");
  says(folder.file("secret.db"), "secret");
}

TEST_CASE("a damaged file is refused") {
  Folder folder;
  {
    const auto users = open(folder.file());
    for (int i = 0; i < 200; ++i)
      REQUIRE(users->add("user" + std::to_string(i), "x"));
  }
  const auto size = std::filesystem::file_size(folder.file());
  REQUIRE(size > 3 * 4096);
  std::fstream file(folder.file(), std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(2 * 4096);
  file << std::string(static_cast<std::size_t>(size) - 2 * 4096, '\x5a');
  file.close();
  CHECK_FALSE(complaint(folder.file()).empty());
}

TEST_CASE("a file that another program keeps locked is refused with that reason") {
  Folder folder;
  static_cast<void>(open(folder.file()));
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(folder.file().c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(complaint(folder.file()).find("locked") != std::string::npos);
  sqlite3_close(other);
  CHECK(complaint(folder.file()).empty());
}

TEST_CASE("a file that is removed or replaced while it is open is neither read nor written") {
  Folder folder;
  const auto users = open(folder.file());
  REQUIRE(users->add("ann", "tulips"));
  const auto expect_refusal = [&] {
    for (const auto& result : {users->users().error(), users->add("bob", "daisies").error(),
                               users->remove("ann").error()}) {
      CHECK(result.code == ErrorCode::database_failed);
      CHECK(result.message().find("replaced") != std::string::npos);
    }
  };
  const std::string away = folder.file("away.db");
  std::filesystem::rename(folder.file(), away);
  expect_refusal();
  std::filesystem::rename(away, folder.file());
  REQUIRE(users->users());
  CHECK(users->users()->size() == 1);
  std::filesystem::copy_file(folder.file(), away);
  std::filesystem::rename(away, folder.file());  // another one in its place
  expect_refusal();
}

TEST_CASE("a file that may not be written is refused") {
  Folder folder;
  static_cast<void>(open(folder.file()));
  using std::filesystem::perms;
  std::filesystem::permissions(folder.file(), perms::owner_read);
  if (std::ofstream(folder.file(), std::ios::app)) return;  // root may write everything
  CHECK(complaint(folder.file()).find("not written") != std::string::npos);
}

TEST_CASE("two programs may change one file, and threads one database") {
  Folder folder;
  const auto one = open(folder.file()), two = open(folder.file());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 10; ++j) {
        const std::string name = "user" + std::to_string(i) + "-" + std::to_string(j);
        const auto& users = i % 2 == 0 ? one : two;
        CHECK(users->add(name, "x"));
        CHECK(users->users());
      }
    });
  }
  threads.clear();
  CHECK(one->users()->size() == 40);
  CHECK(two->users()->size() == 40);
}
