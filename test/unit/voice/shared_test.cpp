// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sstream>

#include "demos/shared/lines.hpp"
#include "demos/shared/printable.hpp"

TEST_CASE("what others call themselves cannot steer the terminal, and stays readable") {
  CHECK(demo::printable("ann") == "ann");
  CHECK(demo::printable("Zoë 世界 🎙") == "Zoë 世界 🎙");
  CHECK(demo::printable("ann\nbob\r\x1b[2J\x7f") == "ann?bob??[2J?");
  CHECK(demo::printable("\xc2\x9b"
                        "2J\xc2\x80\xc2\x9f\xc2\xa0") == "?2J??\xc2\xa0");
  // No UTF-8: a byte alone, one too few, and a control character in three bytes.
  CHECK(demo::printable("a\x9b"
                        "b") == "a?b");
  CHECK(demo::printable("a\xe4\xb8") == "a??");
  CHECK(demo::printable("\xe0\x82\x9b") == "???");
  CHECK(demo::is_printable("Zoë"));
  CHECK_FALSE(demo::is_printable("Zoë\n"));
}

TEST_CASE("lines are read one by one, also a last one without an end, and none is endless") {
  std::istringstream input("mute\n\r\nvolume ann 50\r\n" +
                           std::string(3 * demo::max_line_bytes, 'x') + "\nquit");
  std::string line;
  for (const char* expected : {"mute", "", "volume ann 50"}) {
    CHECK(demo::read_line(input, line));
    CHECK(line == expected);
  }
  CHECK(demo::read_line(input, line));
  CHECK(line == std::string(demo::max_line_bytes, 'x'));
  CHECK(demo::read_line(input, line));
  CHECK(line == "quit");
  CHECK_FALSE(demo::read_line(input, line));
}
