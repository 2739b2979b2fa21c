// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <string>

/// What the voice programs have in common: how they end and how they say what went wrong.
namespace voice {

/// From here on an interrupt or a request to terminate makes `is_stopped` true.
void catch_stop_signals();
[[nodiscard]] bool is_stopped() noexcept;

/// Whether a hang-up came since the last call: the sign by which daemons are told to read their
/// files anew. Pre: `catch_stop_signals`.
[[nodiscard]] bool take_hangup() noexcept;

/// A moment some seconds away; never, for 0.
class Deadline {
 public:
  explicit Deadline(double seconds) noexcept;
  [[nodiscard]] bool is_over() const noexcept;

 private:
  std::chrono::steady_clock::time_point at_;
};

/// The text without control characters: what others call themselves must not steer the terminal.
[[nodiscard]] std::string printable(std::string text);
/// Prints a sentence to standard error and returns the exit status for a failure.
[[nodiscard]] int fail(const std::string& sentence);
/// Writes a file whole, or not at all.
[[nodiscard]] bool write_file(const std::string& path, const std::string& text);
/// Runs a program's body; what it throws becomes a sentence and a failure.
[[nodiscard]] int run_guarded(const std::function<int()>& body);

}  // namespace voice
