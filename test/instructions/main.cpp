// SPDX-License-Identifier: MIT
#include <charconv>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "test/instructions/work.hpp"

/// Does a piece of work for so many messages, after a warm-up that is always the same, so that the
/// difference of two runs is what the messages cost. test/checks/instructions.py runs it.
namespace {

constexpr std::size_t kWarmUp = 1000;

// What decides how many instructions there are, besides the sources.
std::string compiler() {
#if defined(__clang__)
  std::string name = "clang " + std::to_string(__clang_major__);
#elif defined(__GNUC__)
  std::string name = "gcc " + std::to_string(__GNUC__);
#else
  std::string name = "another compiler";
#endif
#if defined(__x86_64__)
  return name + " x86_64";
#elif defined(__aarch64__)
  return name + " aarch64";
#else
  return name + " on another processor";
#endif
}

int usage() {
  std::cerr << "usage: instructions codec|session|host MESSAGES\n"
               "       instructions --compiler\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--compiler") {
    std::cout << compiler() << '\n';
    return 0;
  }
  if (argc != 3) return usage();
  const std::string_view count = argv[2];
  std::size_t messages = 0;
  const auto read = std::from_chars(count.data(), count.data() + count.size(), messages);
  if (read.ec != std::errc() || read.ptr != count.data() + count.size()) return usage();
  try {
    const auto work = tickwire::test::make_work(argv[1]);
    if (!work) return usage();
    work->run(kWarmUp);
    work->run(messages);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
