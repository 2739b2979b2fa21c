// SPDX-License-Identifier: MIT
#include <cstdio>

#include "demos/shared/standard_streams.hpp"

namespace demo {

void open_standard_streams() {
  // What is opened gets the lowest number that is free.
  while (std::FILE* const nothing = std::fopen("/dev/null", "r+")) {
    if (fileno(nothing) <= 2) continue;  // it stays open
    std::fclose(nothing);
    return;
  }
}

}  // namespace demo
