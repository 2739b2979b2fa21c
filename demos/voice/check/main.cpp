// SPDX-License-Identifier: MIT
#include <iostream>

#include "check/run_check.hpp"

int main(int argument_count, char** arguments) {
  return voice::run_check(argument_count, arguments, std::cout, std::cerr);
}
