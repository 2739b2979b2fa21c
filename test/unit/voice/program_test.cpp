// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#ifndef _WIN32
#include <sys/stat.h>
#endif

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>

#include "demos/shared/program.hpp"
#include "sound_folder.hpp"

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("a deadline that no clock can reach is far away, not over") {
  CHECK_FALSE(demo::Deadline(1e10).is_over());
  CHECK_FALSE(demo::Deadline(1e300).is_over());
  CHECK_FALSE(demo::Deadline(0).is_over());
}

TEST_CASE("a file is written to where a link leads, whether something is there yet or not") {
  const voice_test::SoundFolder folder;
  for (const char* name : {"report", "new report"})
    std::filesystem::create_symlink(name, folder / (std::string("link to ") + name));
  folder.write("report", "old");
  for (const char* name : {"report", "new report"}) {
    const auto link = folder / (std::string("link to ") + name);
    CHECK(demo::write_file(link.string(), "figures"));
    CHECK(std::filesystem::is_symlink(link));
    CHECK(text_of(folder / name) == "figures");
    CHECK_FALSE(std::filesystem::exists(folder / (std::string(name) + ".part")));
  }
}

TEST_CASE("what is there and is no plain file is not replaced") {
  const voice_test::SoundFolder folder;
  std::filesystem::create_directory(folder / "figures");
  CHECK_FALSE(demo::write_file((folder / "figures").string(), "figures"));
  CHECK(std::filesystem::is_directory(folder / "figures"));
  CHECK_FALSE(std::filesystem::exists(folder / "figures.part"));
  CHECK_FALSE(demo::write_file((folder / "missing" / "figures").string(), "figures"));
#ifndef _WIN32
  const auto pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  auto read = std::async(std::launch::async, [&] { return text_of(pipe); });
  CHECK(demo::write_file(pipe.string(), "figures"));
  CHECK(read.get() == "figures");
  CHECK(std::filesystem::is_fifo(pipe));
#endif
}

#ifdef __linux__
TEST_CASE("a file that finds no room is said, and its part is gone") {
  const voice_test::SoundFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "figures.part");
  CHECK_FALSE(demo::write_file((folder / "figures").string(), "figures"));
  CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(folder / "figures.part")));
  CHECK_FALSE(std::filesystem::exists(folder / "figures"));
}
#endif
