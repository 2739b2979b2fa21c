// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sstream>

#include "demos/terminal/lines.hpp"
#include "demos/terminal/printable.hpp"

TEST_CASE("what others call themselves cannot steer the terminal, and stays readable") {
  CHECK(terminal::printable("ann") == "ann");
  CHECK(terminal::printable("Zoë 世界 🎙") == "Zoë 世界 🎙");
  CHECK(terminal::printable("ann\nbob\r\x1b[2J\x7f") == "ann?bob??[2J?");
  CHECK(terminal::printable("\xc2\x9b"
                            "2J\xc2\x80\xc2\x9f\xc2\xa0") == "?2J??\xc2\xa0");
  // No UTF-8: a byte alone, one too few, and a control character in three bytes.
  CHECK(terminal::printable("a\x9b"
                            "b") == "a?b");
  CHECK(terminal::printable("a\xe4\xb8") == "a??");
  CHECK(terminal::printable("\xe0\x82\x9b") == "???");
  CHECK(terminal::is_printable("Zoë"));
  CHECK_FALSE(terminal::is_printable("Zoë\n"));
}

TEST_CASE("lines are read one by one, also a last one without an end, and none is endless") {
  std::istringstream input("mute\n\r\nvolume ann 50\r\n" +
                           std::string(3 * terminal::max_line_bytes, 'x') + "\nquit");
  std::string line;
  for (const char* expected : {"mute", "", "volume ann 50"}) {
    CHECK(terminal::read_line(input, line));
    CHECK(line == expected);
  }
  CHECK(terminal::read_line(input, line));
  CHECK(line == std::string(terminal::max_line_bytes, 'x'));
  CHECK(terminal::read_line(input, line));
  CHECK(line == "quit");
  CHECK_FALSE(terminal::read_line(input, line));
}
