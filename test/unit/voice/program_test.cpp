// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "program.hpp"

TEST_CASE("what others call themselves cannot steer the terminal, and stays readable") {
  CHECK(voice::printable("ann") == "ann");
  CHECK(voice::printable("Zoë 世界 🎙") == "Zoë 世界 🎙");
  CHECK(voice::printable("ann\nbob\r\x1b[2J\x7f") == "ann?bob??[2J?");
  CHECK(voice::printable("\xc2\x9b"
                         "2J\xc2\x80\xc2\x9f\xc2\xa0") == "?2J??\xc2\xa0");
  // No UTF-8: a byte alone, one too few, and a control character in three bytes.
  CHECK(voice::printable("a\x9b"
                         "b") == "a?b");
  CHECK(voice::printable("a\xe4\xb8") == "a??");
  CHECK(voice::printable("\xe0\x82\x9b") == "???");
  CHECK(voice::is_printable("Zoë"));
  CHECK_FALSE(voice::is_printable("Zoë\n"));
}

TEST_CASE("a deadline that no clock can reach is far away, not over") {
  CHECK_FALSE(voice::Deadline(1e10).is_over());
  CHECK_FALSE(voice::Deadline(1e300).is_over());
  CHECK_FALSE(voice::Deadline(0).is_over());
}
