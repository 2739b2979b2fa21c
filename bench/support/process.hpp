// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace bench {

/// Runs a benchmark program's work; what it throws is said on standard error and makes the exit
/// status 1. Whatever happens, the process ends after the time limit.
int run_program(unsigned time_limit_seconds, const std::function<void()>& work);

/// Hands one line of text from a parent to its child.
class TextPipe {
 public:
  TextPipe();
  ~TextPipe();
  TextPipe(const TextPipe&) = delete;
  TextPipe& operator=(const TextPipe&) = delete;

  void send(const std::string& line) const;
  /// Blocks until there is one.
  [[nodiscard]] std::string receive() const;
  /// Whether `receive` has something to read; also when the other end is gone.
  [[nodiscard]] bool has_text() const;

 private:
  int ends_[2];
};

/// A forked process that does one thing. It ends with its parent, and after the parent's time
/// limit.
///
/// Pre: made while this process has one thread.
class Child {
 public:
  explicit Child(const std::function<void()>& work);
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits for its end; throws when it did not succeed.
  void join();
  /// Ends it, if it still runs.
  void end() noexcept;

 private:
  pid_t id_ = 0;
};

}  // namespace bench
