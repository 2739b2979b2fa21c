// SPDX-License-Identifier: MIT
#ifndef _WIN32
#include <sys/stat.h>
#endif

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <tickwire/access_list.hpp>

#include "lib/base/ip_network.hpp"
#include "test/support/why.hpp"

/// The list by itself: entries, times, files.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::IpNetwork;

namespace {

constexpr AccessList::Time kNoon = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4} + 12h;

/// A folder for one test, and a list in it under a clock of its own.
struct Rig {
  Rig() {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  ~Rig() {
    list.reset();
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(folder);
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  [[nodiscard]] AccessListOptions options() const {
    return {.file = file, .now = [this] { return now; }};
  }
  void open() {
    auto opened = AccessList::open(options());
    REQUIRE_MESSAGE(opened, test::why(opened));
    list = *std::move(opened);
  }
  /// As editors do it, so that the list's own thread never reads a half. On Windows nobody can
  /// replace what that thread has open.
  void write(const std::string& text) const {
    std::ofstream(file + ".edited", std::ios::binary) << text;
    std::error_code error;
    for (int tries = 0; tries < 1000; ++tries) {
      std::filesystem::rename(file + ".edited", file, error);
      if (!error) return;
      std::this_thread::sleep_for(1ms);
    }
    FAIL("the file cannot be replaced: ", error.message());
  }
  [[nodiscard]] std::string text() const {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("tickwire-access-" +
       std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
  const std::string file = (folder / "access.txt").string();
  AccessList::Time now = kNoon;
  std::shared_ptr<AccessList> list;
};

std::shared_ptr<AccessList> list_in_memory() {
  auto opened = AccessList::open();
  REQUIRE(opened);
  return *opened;
}

std::string parsed(const std::string& text) {
  const auto network = IpNetwork::parse(text);
  return network ? network->to_string() : "refused";
}

}  // namespace

TEST_CASE("networks are read strictly and written in one form") {
  CHECK(parsed("192.0.2.7") == "192.0.2.7");
  CHECK(parsed("192.0.2.7/32") == "192.0.2.7");
  CHECK(parsed("192.0.2.0/24") == "192.0.2.0/24");
  CHECK(parsed("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(parsed("2001:DB8:0:0:0:0:0:1") == "2001:db8::1");
  CHECK(parsed("2001:db8::/32") == "2001:db8::/32");
  CHECK(parsed("::/0") == "::/0");
  CHECK(parsed("::1/128") == "::1");
  CHECK(parsed("1:0:0:2:0:0:0:3") == "1:0:0:2::3");
  CHECK(parsed("1:0:2:3:4:5:6:7") == "1:0:2:3:4:5:6:7");
  CHECK(parsed("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(parsed("::ffff:c000:207") == "192.0.2.7");
  CHECK(parsed("::ffff:192.0.2.0/120") == "192.0.2.0/24");
  CHECK(parsed("::ffff:0:0/96") == "0.0.0.0/0");
  CHECK(parsed("64:ff9b::192.0.2.1") == "64:ff9b::c000:201");
}

TEST_CASE("what is no network is refused with a sentence that shows it") {
  for (const char* text : {"",
                           "x",
                           "192.0.2",
                           "192.0.2.7.1",
                           "256.0.0.1",
                           "192.0.2.07",
                           "192.0.2.0/33",
                           "192.0.2.0/",
                           "192.0.2.0/x",
                           "192.0.2.0/-1",
                           "192.0.2.0/024x",
                           "192.0.2.7/24",
                           "1::2::3",
                           "1:2:3",
                           "1:2:3:4:5:6:7:8:9",
                           "::1/129",
                           "::10000",
                           "fe80::1%eth0",
                           "1.2.3.4::",
                           "::ffff:192.0.2.0/95",
                           "192.0.2.0 /24",
                           "192.0.2.7\n",
                           "example.org"}) {
    INFO(text);
    const auto list = list_in_memory();
    const auto refused = list->refuse(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(refused.error().message().find('\n') == std::string::npos);
    CHECK(list->size() == 0);
  }
  const auto odd = list_in_memory()->refuse("192.0.2.7/24");
  CHECK(odd.error().message().find("192.0.2.0/24") != std::string::npos);
}

TEST_CASE("an address, a network and a whole family are refused, and nothing beside them") {
  const auto list = list_in_memory();
  REQUIRE(list->refuse("192.0.2.7"));
  REQUIRE(list->refuse("198.51.100.0/22"));
  REQUIRE(list->refuse("2001:db8:0:1::/64"));
  CHECK(list->refuses("192.0.2.7"));
  CHECK(list->refuses("::ffff:192.0.2.7"));
  CHECK_FALSE(list->refuses("192.0.2.8"));
  CHECK(list->refuses("198.51.103.255"));
  CHECK_FALSE(list->refuses("198.51.104.0"));
  CHECK(list->refuses("2001:db8:0:1:ffff::9"));
  CHECK(list->refuses("2001:db8:0:1::1%eth0"));
  CHECK_FALSE(list->refuses("2001:db8:0:2::"));
  CHECK_FALSE(list->refuses("example.org"));
  REQUIRE(list->refuse("::/0"));
  CHECK(list->refuses("::1"));
  CHECK_FALSE(list->refuses("::ffff:203.0.113.1"));
  REQUIRE(list->refuse("0.0.0.0/0"));
  CHECK(list->refuses("203.0.113.1"));
}

TEST_CASE("callers of this process are refused by name, and no address is a name") {
  const auto list = list_in_memory();
  REQUIRE(list->refuse("memory://ann"));
  CHECK(list->refuses("ann", "memory"));
  CHECK_FALSE(list->refuses("ann"));
  CHECK_FALSE(list->refuses("bob", "memory"));
  CHECK(*list->remove("memory://ann"));
  CHECK_FALSE(*list->remove("memory://ann"));
  CHECK_FALSE(list->refuses("ann", "memory"));
}

TEST_CASE("an entry with a time ends with it, and is replaced by a new one") {
  Rig rig;
  rig.open();
  REQUIRE(rig.list->refuse_for("192.0.2.7", 10min));
  REQUIRE(rig.list->refuse("192.0.2.8", kNoon + 1h));
  REQUIRE(rig.list->refuse_for("192.0.2.9", Duration::max()));
  rig.now += 10min - 1ns;
  CHECK(rig.list->refuses("192.0.2.7"));
  rig.now += 1ns;
  CHECK_FALSE(rig.list->refuses("192.0.2.7"));
  CHECK(rig.list->entries().size() == 2);
  REQUIRE(rig.list->refuse("192.0.2.8", kNoon));
  CHECK_FALSE(rig.list->refuses("192.0.2.8"));
  rig.now += 24h * 365 * 100;
  CHECK(rig.list->refuses("192.0.2.9"));
  REQUIRE(rig.list->entries().size() == 1);
  CHECK_FALSE(rig.list->entries()[0].until);
}

TEST_CASE("a list takes no more than its entries, and room comes back with those that end") {
  AccessList::Time now = kNoon;
  auto opened = AccessList::open({.max_entries = 3, .now = [&] { return now; }});
  REQUIRE(opened);
  AccessList& list = **opened;
  REQUIRE(list.refuse_for("192.0.2.1", 1s));
  REQUIRE(list.refuse("192.0.2.2"));
  REQUIRE(list.refuse("memory://ann"));
  CHECK(list.refuse("192.0.2.3").error().code == ErrorCode::out_of_resources);
  CHECK(list.refuse("memory://bob").error().code == ErrorCode::out_of_resources);
  CHECK(list.refuse("192.0.2.2", kNoon + 1h));
  now += 1s;
  CHECK(list.refuse("192.0.2.3"));
}

TEST_CASE("entries come back after a restart, with their times") {
  Rig rig;
  rig.open();
  REQUIRE(rig.list->refuse_for("192.0.2.6", 24h * 366 * 200));  // longer than a file's times reach
  REQUIRE(rig.list->refuse("192.0.2.7"));
  REQUIRE(rig.list->refuse_for("2001:db8::/32", 90min + 1ms));
  REQUIRE(rig.list->refuse("memory://ann"));
  REQUIRE(rig.list->refuse_for("192.0.2.9", -1s));
  rig.list.reset();
  CHECK(rig.text() == "192.0.2.6\n192.0.2.7\n2001:db8::/32 until 2026-05-04T13:30:01Z\n");
  rig.open();
  CHECK(rig.list->refuses("192.0.2.7"));
  CHECK(rig.list->refuses("2001:db8::1"));
  CHECK_FALSE(rig.list->refuses("ann", "memory"));
  rig.now += 90min + 1s;
  CHECK_FALSE(rig.list->refuses("2001:db8::1"));
}

TEST_CASE("a file by hand is read with its comments, and a change leaves its other lines alone") {
  Rig rig;
  const std::string kept =
      "# those of May\r\n"
      "\n"
      "\t192.0.2.7   # tried every door\n"
      "198.51.100.0/24 until 2026-12-31T23:59:59Z\n";
  rig.write(kept + "203.0.113.1\n203.0.113.2 until 2026-05-04T11:59:59Z");
  rig.open();
  CHECK(rig.list->entries().size() == 3);
  CHECK(rig.list->refuses("198.51.100.200"));
  CHECK_FALSE(rig.list->refuses("203.0.113.2"));
  CHECK(*rig.list->remove("203.0.113.1"));
  REQUIRE(rig.list->refuse("203.0.113.9"));
  REQUIRE(rig.list->save());
  CHECK(rig.text() == kept + "203.0.113.9\n");
  CHECK(std::distance(std::filesystem::directory_iterator(rig.folder), {}) == 1);
}

TEST_CASE("of two lines for one network the one that lasts longer holds") {
  Rig rig;
  rig.write("192.0.2.7 until 2026-05-04T13:00:00Z\n192.0.2.7 until 2026-05-04T12:30:00Z\n");
  rig.open();
  rig.now += 45min;
  CHECK(rig.list->refuses("192.0.2.7"));
}

TEST_CASE("what others write into the file meanwhile is kept by a save and read by a reload") {
  Rig rig;
  rig.write("192.0.2.1\n");
  rig.open();
  REQUIRE(rig.list->save());
  rig.write("192.0.2.1\n192.0.2.2\n");
  REQUIRE(rig.list->refuse("192.0.2.3"));
  REQUIRE(rig.list->save());
  CHECK(rig.text() == "192.0.2.1\n192.0.2.2\n192.0.2.3\n");
  CHECK_FALSE(rig.list->refuses("192.0.2.2"));
  rig.write("192.0.2.2\n192.0.2.3\n");
  REQUIRE(rig.list->reload());
  CHECK_FALSE(rig.list->refuses("192.0.2.1"));
  CHECK(rig.list->refuses("192.0.2.2"));
}

TEST_CASE("a line that makes no sense is named, and neither list nor file lose anything") {
  struct Wrong {
    std::string line, why;
  };
  const std::vector<Wrong> lines = {
      {"192.0.2.300", "192.0.2.300"},
      {"192.0.2.7/24", "192.0.2.0/24"},
      {"localhost", "localhost"},
      {"memory://ann", "memory://ann"},
      {"192.0.2.7 2026-12-31T00:00:00Z", "until"},
      {"192.0.2.7 until", "until"},
      {"192.0.2.7 until tomorrow", "until"},
      {"192.0.2.7 until 2026-12-31", "until"},
      {"192.0.2.7 until 2026-12-31T00:00:00", "until"},
      {"192.0.2.7 until 2026-02-30T00:00:00Z", "until"},
      {"192.0.2.7 until 2026-12-31T24:00:00Z", "until"},
      {"192.0.2.7 until 9999-12-31T00:00:00Z", "until"},
      {"192.0.2.7 until 2026-12-31T00:00:00Z more", "until"},
      {"192.0.2.7, 192.0.2.8", "192.0.2.7,"},
      {std::string("\0\x1b", 2), "'?"},
  };
  for (const Wrong& wrong : lines) {
    const auto& [line, why] = wrong;
    INFO(wrong.line);
    Rig rig;
    rig.write("192.0.2.1\n");
    rig.open();
    const std::string text = "192.0.2.2\n# note\n" + line + "\n192.0.2.4\n";
    rig.write(text);
    const auto reloaded = rig.list->reload();
    REQUIRE_FALSE(reloaded);
    CHECK(reloaded.error().code == ErrorCode::invalid_argument);
    CHECK(reloaded.error().message().find(rig.file + ", line 3: ") == 0);
    CHECK(reloaded.error().message().find(why) != std::string::npos);
    CHECK(rig.list->refuses("192.0.2.1"));
    CHECK_FALSE(rig.list->refuses("192.0.2.2"));
    REQUIRE(rig.list->refuse("192.0.2.5"));
    CHECK(rig.list->save().error().code == ErrorCode::invalid_argument);
    CHECK(rig.text() == text);
    CHECK(AccessList::open(rig.options()).error().code == ErrorCode::invalid_argument);
    // Once it is mended, what could not be written is.
    rig.write("192.0.2.2\n");
    CHECK(rig.list->save());
    CHECK(rig.text() == "192.0.2.2\n192.0.2.5\n");
  }
}

TEST_CASE("a change that is not written yet survives a reload") {
  Rig rig;
  rig.write("192.0.2.1\n192.0.2.2\n");
  rig.open();
  // In the way of whoever writes, the list's own thread too.
  std::filesystem::create_directory(rig.file + ".new");
  REQUIRE(rig.list->refuse("192.0.2.3"));
  REQUIRE(*rig.list->remove("192.0.2.1"));
  CHECK(rig.list->save().error().code == ErrorCode::file_unwritable);
  rig.write("192.0.2.1\n192.0.2.4\n");
  REQUIRE(rig.list->reload());
  CHECK_FALSE(rig.list->refuses("192.0.2.1"));
  CHECK_FALSE(rig.list->refuses("192.0.2.2"));
  CHECK(rig.list->refuses("192.0.2.3"));
  CHECK(rig.list->refuses("192.0.2.4"));
}

TEST_CASE("a list that is larger than any list is not read to its end") {
  Rig rig;
  constexpr std::uintmax_t most = 64 * 1024 * 1024;
  std::ofstream(rig.file, std::ios::binary) << "192.0.2.7\n#";
  std::filesystem::resize_file(rig.file, most);
  CHECK(AccessList::open(rig.options()));
  std::filesystem::resize_file(rig.file, most + 1);
  const auto unread = AccessList::open(rig.options());
  REQUIRE_FALSE(unread);
  CHECK(unread.error().code == ErrorCode::file_unreadable);
  CHECK(unread.error().message() == "The access list " + rig.file + " is larger than 64 MiB.");
}

#ifndef _WIN32
TEST_CASE("a list that is no plain file is not waited for, nor read for ever") {
  Rig rig;
  const std::string pipe = (rig.folder / "pipe").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& file : {pipe, std::string("/dev/zero")}) {
    const auto unread = AccessList::open({.file = file});
    REQUIRE_FALSE(unread);
    CHECK(unread.error().code == ErrorCode::file_unreadable);
    CHECK(unread.error().message() == "The access list " + file + " is no plain file.");
  }
}
#endif

TEST_CASE("a file that cannot be read or written is an error that names it") {
  Rig rig;
  AccessListOptions folder{.file = rig.folder.string()};
  const auto unread = AccessList::open(folder);
  REQUIRE_FALSE(unread);
  CHECK(unread.error().code == ErrorCode::file_unreadable);
  CHECK(unread.error().message().find(rig.folder.string()) != std::string::npos);

  const std::string nowhere = (rig.folder / "missing" / "access.txt").string();
  auto opened = AccessList::open({.file = nowhere});
  REQUIRE(opened);
  REQUIRE((*opened)->refuse("192.0.2.7"));
  const auto unwritten = (*opened)->save();
  REQUIRE_FALSE(unwritten);
  CHECK(unwritten.error().code == ErrorCode::file_unwritable);
  CHECK(unwritten.error().message().find(nowhere) != std::string::npos);
  CHECK((*opened)->refuses("192.0.2.7"));

  rig.write("192.0.2.1\n192.0.2.2\n");
  const auto full = AccessList::open({.file = rig.file, .max_entries = 1});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == ErrorCode::out_of_resources);
  CHECK(full.error().message().find("line 2") != std::string::npos);

  const auto list = list_in_memory();
  CHECK(list->reload().error().code == ErrorCode::not_supported);
  CHECK(list->save().error().code == ErrorCode::not_supported);
}

TEST_CASE("a saved file keeps who may read it, and nothing half-written stays beside it") {
  using std::filesystem::perms;
  Rig rig;
  rig.write("192.0.2.1\n");
  const perms before = perms::owner_read | perms::owner_write | perms::group_read;
  std::filesystem::permissions(rig.file, before);
  std::ofstream(rig.file + ".new") << "left by a crash";
  rig.open();
  REQUIRE(rig.list->refuse("192.0.2.2"));
  REQUIRE(rig.list->save());
#ifndef _WIN32  // which keeps who may read it elsewhere
  CHECK(std::filesystem::status(rig.file).permissions() == before);
#endif
  CHECK(rig.text() == "192.0.2.1\n192.0.2.2\n");
  CHECK_FALSE(std::filesystem::exists(rig.file + ".new"));
}

#ifndef _WIN32  // where making links takes a privilege
TEST_CASE("a list behind a symbolic link is saved where the link leads") {
  Rig rig;
  const auto real = rig.folder / "real.txt";
  std::ofstream(real) << "192.0.2.1\n";
  std::filesystem::create_symlink(real, rig.file);
  rig.open();
  REQUIRE(rig.list->refuse("192.0.2.2"));
  REQUIRE(rig.list->save());
  CHECK(std::filesystem::is_symlink(rig.file));
  CHECK(rig.text() == "192.0.2.1\n192.0.2.2\n");
  CHECK(std::filesystem::file_size(real) == rig.text().size());
}
#endif

TEST_CASE("many networks of every length are found among a hundred thousand") {
  const auto list = list_in_memory();
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::string low = std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
    REQUIRE(list->refuse("10." + std::to_string(i / 65536) + "." + low));
  }
  for (int length = 1; length <= 32; ++length) {
    const std::uint32_t first = length <= 8 ? 0x8000'0000u : 0xc000'0000u;
    const std::uint32_t address = first >> 0 & ~((length == 32 ? 0u : ~0u >> length));
    const std::string text = std::to_string(address >> 24) + ".0.0.0/" + std::to_string(length);
    REQUIRE(list->refuse(text));
  }
  CHECK(list->size() == 100'032);
  CHECK(list->refuses("10.1.134.159"));
  CHECK_FALSE(list->refuses("10.1.134.160"));
  CHECK(list->refuses("192.0.0.0"));
  CHECK_FALSE(list->refuses("11.0.0.0"));
}

TEST_CASE("threads may ask, change, reload and save at the same time") {
  Rig rig;
  rig.write("192.0.2.1\n");
  rig.open();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 50; ++j) {
        const std::string address = "198.51." + std::to_string(i) + "." + std::to_string(j);
        CHECK(rig.list->refuse(address));
        CHECK(rig.list->refuses(address));
        if (j % 10 == 0) CHECK((i % 2 == 0 ? rig.list->reload() : rig.list->save()));
      }
    });
  }
  threads.clear();
  CHECK(rig.list->entries().size() == 201);
  REQUIRE(rig.list->save());
  rig.list.reset();
  rig.open();
  CHECK(rig.list->entries().size() == 201);
}
