// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <string>

/// What the programs have in common: how they end and how they say what went wrong.
namespace demo {

/// What a hang-up means: that the terminal was closed, or, to a daemon, that it is to read its
/// files anew.
enum class Hangup { stops, is_noted };

/// From here on an interrupt, a request to terminate or (`Hangup::stops`) a hang-up makes
/// `is_stopped` true, and the end of whoever reads its output stops nothing.
void catch_stop_signals(Hangup hangup = Hangup::stops);
[[nodiscard]] bool is_stopped() noexcept;

/// Whether a hang-up came since the last call. Pre: `catch_stop_signals(Hangup::is_noted)`.
[[nodiscard]] bool take_hangup() noexcept;

/// The longest time that a program can be told to run: three years, which a clock can add up.
inline constexpr double longest_run_seconds = 1e8;

/// A moment some seconds away; never, for 0.
///
/// Shape: at most `longest_run_seconds`.
class Deadline {
 public:
  explicit Deadline(double seconds) noexcept;
  [[nodiscard]] bool is_over() const noexcept;

 private:
  std::chrono::steady_clock::time_point at_;
};

/// Prints a sentence to standard error and returns the exit status for a failure.
[[nodiscard]] int fail(const std::string& sentence);
/// Writes a file whole, or not at all; at the end of a link, where it is one. What is there and is
/// no plain file, as a pipe, is written into.
[[nodiscard]] bool write_file(const std::string& path, const std::string& text);
/// Runs a program's body; what it throws becomes a sentence and a failure.
[[nodiscard]] int run_guarded(const std::function<int()>& body);

}  // namespace demo
