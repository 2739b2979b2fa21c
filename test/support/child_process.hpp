// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tickwire::test {

/// Where a program of this machine is; nothing, and a word about it, when it is missing.
[[nodiscard]] inline std::optional<std::string> find_program(const std::string& name) {
  const char* places = std::getenv("PATH");
  for (std::string_view left = places == nullptr ? "" : places; !left.empty();) {
    const std::size_t end = std::min(left.find(':'), left.size());
    const std::string path = std::string(left.substr(0, end)) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  MESSAGE("no ", name, " on this machine: skipped");
  return std::nullopt;
}

/// Another program, with both ends of its standard streams.
///
/// Lifetime: destroying it ends the program.
class ChildProcess {
 public:
  explicit ChildProcess(std::vector<std::string> command) {
    int in[2];
    int out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    std::vector<char*> arguments;
    for (std::string& each : command)
      arguments.push_back(each.data());
    arguments.push_back(nullptr);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::execv(arguments.front(), arguments.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    fcntl(input_, F_SETFL, O_NONBLOCK);
    fcntl(output_, F_SETFL, O_NONBLOCK);
  }
  ~ChildProcess() {
    // Before its streams end, or it might take that for a hint and leave politely.
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    end_input();
    ::close(output_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Gives it as much as it takes now, and says how much that was.
  std::size_t write(std::string_view text) {
    const auto count = ::write(input_, text.data(), text.size());
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  void end_input() {
    if (input_ >= 0) ::close(std::exchange(input_, -1));
  }
  /// Takes in what it has written so far.
  void read() {
    char bytes[16 * 1024];
    while (!has_ended) {
      const auto count = ::read(output_, bytes, sizeof bytes);
      if (count < 0) return;
      if (count == 0) has_ended = true;
      output.append(bytes, static_cast<std::size_t>(count));
    }
  }

  std::string output;  ///< and its errors
  bool has_ended = false;

 private:
  pid_t process_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace tickwire::test
