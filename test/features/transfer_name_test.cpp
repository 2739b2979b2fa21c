// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_pair.hpp"

using namespace tickwire;

TEST_CASE("usual names stay as they are") {
  for (const char* name :
       {"a", "holiday.jpg", "My Letter (final).odt", "archive.tar.gz",
        "\xc3\x9c"
        "bergr\xc3\xb6\xc3\x9f"
        "e.txt",
        "\xe5\xae\xb6.png", "\xf0\x9f\x90\x88.gif", "console.log", "com10", "a.part1"}) {
    CHECK(safe_file_name(name) == name);
  }
}

TEST_CASE("no name leads out of a folder") {
  CHECK(safe_file_name("../../etc/passwd") == "passwd");
  CHECK(safe_file_name("/etc/passwd") == "passwd");
  CHECK(safe_file_name("..\\..\\boot.ini") == "boot.ini");
  CHECK(safe_file_name("C:\\Windows\\win.ini") == "win.ini");
  CHECK(safe_file_name("C:win.ini") == "C_win.ini");
  CHECK(safe_file_name("file.txt:stream") == "file.txt_stream");
  for (const char* nothing : {"", ".", "..", "...", "/", "a/", "a\\", "  ", " . . ", "////"}) {
    CAPTURE(nothing);
    CHECK(safe_file_name(nothing) == "file");
  }
}

TEST_CASE("control characters, NUL and what turns text around are replaced") {
  CHECK(safe_file_name(std::string_view("a\0b\nc\x7f\x1b[2J", 10)) == "a_b_c__[2J");
  CHECK(safe_file_name("photo\xe2\x80\xaegpj.exe") == "photo_gpj.exe");
  CHECK(safe_file_name("a\xc2\x85z") == "a_z");
  CHECK(safe_file_name("a<b>c\"d|e?f*g") == "a_b_c_d_e_f_g");
}

TEST_CASE("bytes that are no UTF-8 are replaced") {
  CHECK(safe_file_name("a\xff\xfez") == "a__z");
  CHECK(safe_file_name("\xc0\xaf") == "__");              // a separator in disguise
  CHECK(safe_file_name("\xe0\x80\xaf") == "___");         // another
  CHECK(safe_file_name("a\xed\xa0\x80") == "a___");       // half a surrogate pair
  CHECK(safe_file_name("a\xf4\x90\x80\x80") == "a____");  // beyond the last character
  CHECK(safe_file_name("a\xe2\x80") == "a__");            // cut off
}

TEST_CASE("a name is as harmless where it is offered as where it arrives") {
  test::TransferPair files;
  const auto bytes = std::make_shared<const std::vector<std::byte>>(10);
  const auto id = files.sender.offer_memory(files.pair.caller, bytes, "../\x1b[2Jevil");
  REQUIRE(id);
  CHECK(files.sender.info(*id)->name == safe_file_name("../\x1b[2Jevil"));
}

TEST_CASE("names with a meaning of their own lose it") {
  for (const char* device :
       {"CON", "nul", "Aux.txt", "COM1", "lpt9.tar.gz", "con .txt", "COM\u00b9", "lpt\u00b3.log"}) {
    CAPTURE(device);
    CHECK(safe_file_name(device) == "_" + std::string(device));
  }
  CHECK(safe_file_name(".bashrc") == "_bashrc");
  CHECK(safe_file_name("-rf") == "_rf");
  CHECK(safe_file_name("~root") == "_root");
  CHECK(safe_file_name("a.txt. .") == "a.txt");
  CHECK(safe_file_name("a.part") == "a.part_");
  CHECK(safe_file_name("a.PART.State") == "a.PART.State_");
}

TEST_CASE("long names are cut between characters and keep their extension") {
  CHECK(safe_file_name(std::string(255, 'a')).size() == 200);
  const std::string cut = safe_file_name(std::string(255, 'a') + ".jpeg");
  CHECK(cut.size() == 200);
  CHECK(cut.ends_with("a.jpeg"));
  std::string wide;
  for (int i = 0; i < 100; ++i)
    wide += "\xe2\x82\xac";
  CHECK(safe_file_name(wide) == wide.substr(0, 198));
  CHECK(safe_file_name(std::string(1'000'000, '.') + "a").size() <= 200);
}

TEST_CASE("what is put to a long name does not make it longer than it may be") {
  const std::string long_text(300, 'a');
  for (const std::string& text : {long_text + ".part", long_text + ".part.state",
                                  "CON." + long_text, "con." + long_text + ".part"}) {
    const std::string name = safe_file_name(text);
    CAPTURE(name);
    CHECK(name.size() == 200);
    CHECK(safe_file_name(name) == name);
  }
  CHECK(safe_file_name(long_text + ".part").ends_with("a.part_"));
}

TEST_CASE("whatever bytes come, the name is safe, and safe already when it is asked again") {
  std::uint64_t state = 7;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::size_t size = (state >> 33) % 40;
    for (std::size_t i = 0; i < size; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const char* const common = "./\\:. \0~-%cC";
      const auto pick = static_cast<unsigned>(state >> 40);
      bytes += pick % 3 == 0 ? static_cast<char>(pick >> 8) : common[(pick >> 8) % 12];
    }
    const std::string name = safe_file_name(bytes);
    CAPTURE(bytes);
    CAPTURE(name);
    CHECK_FALSE(name.empty());
    CHECK(name.size() <= 203);
    CHECK(name.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos);
    CHECK(name.front() != '.');
    CHECK(name.back() != '.');
    CHECK(safe_file_name(name) == name);
  }
}
