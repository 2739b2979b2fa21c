// SPDX-License-Identifier: MIT
#include "other_process.hpp"

#include <unistd.h>

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace bench {
namespace {

std::ifstream open_file(pid_t process, const char* name) {
  return std::ifstream("/proc/" + std::to_string(process) + '/' + name);
}

[[noreturn]] void throw_ended() {
  throw std::runtime_error("A process ended, or does not say what it takes.");
}

}  // namespace

std::size_t anonymous_bytes(pid_t process) {
  std::ifstream file = open_file(process, "status");
  for (std::string word; file >> word;) {
    std::size_t kilobytes = 0;
    if (word == "RssAnon:" && file >> kilobytes) return kilobytes * 1024;
  }
  throw_ended();
}

ProcessorTime processor_time(pid_t process) {
  std::ifstream file = open_file(process, "stat");
  file.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // its name has any characters
  std::string skipped;
  for (int i = 0; i < 11; ++i)
    file >> skipped;
  double user = 0;
  double kernel = 0;
  if (!(file >> user >> kernel)) throw_ended();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return {user / ticks, kernel / ticks};
}

}  // namespace bench
