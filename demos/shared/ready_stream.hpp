// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace demo {

/// Standard output or standard error, written to without waiting for whoever reads it.
class ReadyStream {
 public:
  /// 1: output, 2: error.
  explicit ReadyStream(int number);
  ReadyStream(const ReadyStream&) = delete;
  ReadyStream& operator=(const ReadyStream&) = delete;
  ~ReadyStream();

  /// How many bytes, from the front, it has taken: none while it is full or stopped; all, to be
  /// forgotten, once nobody can read them any more. On Windows it waits all the same.
  [[nodiscard]] std::size_t write(std::string_view text);

 private:
  int number_;
  int own_ = -1;  // a terminal, opened once more
};

}  // namespace demo
