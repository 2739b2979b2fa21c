// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "lib/base/harmless.hpp"

using tickwire::detail::cut_text;
using tickwire::detail::harmless_characters;

TEST_CASE("a text is cut between its characters") {
  const std::string text =
      "a\xc3\xb6\xe2\x82\xac\xf0\x9f\x8e\xae"
      "b";  // 1, 2, 3, 4 and 1 bytes
  const std::size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t bytes = 0; bytes < 13; ++bytes) {
    CAPTURE(bytes);
    CHECK(cut_text(text, bytes).size() == whole[bytes]);
  }
}

TEST_CASE("what a terminal obeys is shown as something else, and letters stay") {
  CHECK(harmless_characters("sch\xc3\xb6n", {}, '?') == "sch\xc3\xb6n");
  CHECK(harmless_characters("a\x1b[2J\x7f", {}, '?') == "a?[2J?");
  CHECK(harmless_characters("\xc2\x9b"
                            "2J",
                            {}, '?') == "?2J");
  CHECK(harmless_characters("\xe2\x80\xae"
                            "txt.exe",
                            {}, '_') == "_txt.exe");
  CHECK(harmless_characters("sch\xf6n", {}, '?') == "sch?n");
}
