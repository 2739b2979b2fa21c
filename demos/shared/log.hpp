// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "demos/shared/ready_stream.hpp"

namespace demo {

/// Lines that a server says. What its reader does not take at once, as while a pipe is full or a
/// terminal is stopped, waits for a later call: it holds up nobody. When too much waits, the oldest
/// lines are left out, and how many is said in their place.
class Log {
 public:
  static constexpr std::size_t most_waiting_bytes = 64 * 1024;

  /// 1: on standard output, 2: on standard error.
  explicit Log(int stream) : stream_(stream) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() { flush(); }

  /// Says a line, which is given without its end.
  void write(std::string_view line);
  /// Tries again with what waits.
  void flush();

 private:
  void leave_out();
  [[nodiscard]] bool write_notice();

  ReadyStream stream_;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t written_bytes_ = 0;  // of the first that waits
  std::size_t left_out_ = 0;       // behind which no line was written yet
};

}  // namespace demo
