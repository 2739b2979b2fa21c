// SPDX-License-Identifier: MIT
#include <cstdio>

#include "demos/shared/ready_stream.hpp"

namespace demo {

ReadyStream::ReadyStream(int number) : number_(number) {}

ReadyStream::~ReadyStream() = default;

std::size_t ReadyStream::write(std::string_view text) {
  std::FILE* const file = number_ == 1 ? stdout : stderr;
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), file));
  std::fflush(file);
  return text.size();
}

}  // namespace demo
