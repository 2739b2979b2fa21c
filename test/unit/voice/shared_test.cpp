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
  // Half a character of UTF-16, and one beyond the last.
  CHECK(demo::printable("\xed\x9f\xbf\xed\xa0\x80") == "\xed\x9f\xbf???");
  CHECK(demo::printable("\xf4\x8f\xbf\xbf\xf4\x90\x80\x80") == "\xf4\x8f\xbf\xbf????");
  CHECK(demo::is_printable("Zoë"));
  CHECK_FALSE(demo::is_printable("Zoë\n"));
}

TEST_CASE("what cannot be seen, or turns a line around, is shown") {
  for (const char* hidden : {"\u200b", "\u200f", "\u2028", "\u202e", "\u2060", "\u2069", "\ufeff"})
    CHECK(demo::printable(std::string("ann") + hidden + "bob") == "ann?bob");
  CHECK(demo::is_printable("\u200a\u200c\u200d\u2010\u2027\u202f\u205f\u206a\ufefe"));
}

TEST_CASE("a name that looks like another one has a fault") {
  for (const char* name : {"ann", "ann bob", "Zoë", "世界", "🎙", ""})
    CHECK(demo::name_fault(name).empty());
  for (const char* name : {" ann", "ann ", " ", "\u00a0ann", "ann\u3000", "ann\u2003"})
    CHECK(demo::name_fault(name) == "begins or ends with a blank");
  for (const char* name : {"ann\u200b", "ann\u200d", "ann\n", "\xff"})
    CHECK(demo::name_fault(name) == "has control or invisible characters or is no UTF-8");
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
