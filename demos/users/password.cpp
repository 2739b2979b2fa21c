// SPDX-License-Identifier: MIT
#include "demos/users/password.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

namespace users {
namespace {

// More than any password may have, so that one too long is seen to be so.
constexpr std::size_t kMaxLineBytes = 2048;
constexpr char kInterrupt = '\x03';

/// While it lives, the terminal shows nothing, and Ctrl-C is a letter: a program that it ended
/// would leave the terminal silent.
class SilentTerminal {
 public:
  SilentTerminal() : is_silent_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    is_silent_ = is_silent_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (is_silent_) static_cast<void>(::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_));
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  [[nodiscard]] bool is_silent() const noexcept { return is_silent_; }

 private:
  termios before_{};
  bool is_silent_;
};

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Byte by byte: nothing of it stays behind in a buffer.
bool read_line(std::string& line, std::string& problem) {
  line.clear();
  line.reserve(kMaxLineBytes);  // one that grew would leave copies behind
  char letter = 0;
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, &letter, 1);
    if (count < 0 && errno == EINTR) return problem = "Interrupted.", false;
    if (count < 0) return problem = "Standard input cannot be read.", false;
    if (count == 0 && line.empty()) return problem = "No password came.", false;
    if (count == 0 || letter == '\n') break;
    if (letter == kInterrupt) return problem = "Interrupted.", false;
    if (line.size() == kMaxLineBytes) return problem = "That is no password, but a file.", false;
    line += letter;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

bool ask(std::string_view question, std::string& password, std::string& problem) {
  const SilentTerminal terminal;
  if (!terminal.is_silent()) {
    problem = "The terminal would show the password; give it on standard input.";
    return false;
  }
  say(question);
  const bool is_read = read_line(password, problem);
  say("\n");
  return is_read;
}

}  // namespace

bool read_password(std::string& password, std::string& problem) {
  if (::isatty(STDIN_FILENO) == 0) return read_line(password, problem);
  return ask("Password: ", password, problem);
}

bool read_new_password(std::string& password, std::string& problem) {
  if (::isatty(STDIN_FILENO) == 0) return read_line(password, problem);
  if (!ask("New password: ", password, problem)) return false;
  std::string again;
  const bool is_read = ask("The same again: ", again, problem);
  const bool is_same = again == password;
  for (volatile char& each : again)
    each = '\0';
  if (is_read && !is_same) problem = "The two are not the same.";
  return is_read && is_same;
}

}  // namespace users
