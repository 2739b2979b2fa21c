// SPDX-License-Identifier: MIT
#include "check/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

extern char** environ;

namespace voice {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

Error failed(int system_code, const std::string& why) {
  return {ErrorCode::not_supported, system_code, why};
}

/// What a program is started with: nothing to read, and a file for what it says.
class SpawnActions {
 public:
  explicit SpawnActions(const std::string& messages) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, messages.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }

  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// gnuplot points at the place first and says what is wrong in its last line.
std::string last_line(const std::string& file) {
  std::ifstream stream(file);
  std::string last;
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) last = line;
  }
  return last.empty() ? "it gave no reason" : last;
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::create() {
  std::error_code failure;
  const auto parent = std::filesystem::temp_directory_path(failure);
  std::string pattern = (parent / "tickwire-voice-XXXXXX").string();
  if (failure || mkdtemp(pattern.data()) == nullptr) {
    return failed(errno, "cannot make a folder for temporary files in " + parent.string());
  }
  return TemporaryFolder(pattern);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<void> run_gnuplot(const TemporaryFolder& folder, const std::string& script,
                         const std::string& program) {
  const std::string file = (folder.path() / "picture.gnuplot").string();
  const std::string messages = (folder.path() / "messages.txt").string();
  std::ofstream stream(file);
  stream << script;
  stream.close();
  if (!stream) return failed(0, "cannot write the temporary file " + file);

  const SpawnActions actions(messages);
  std::string name = program;
  std::string argument = file;
  char* const arguments[] = {name.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int code = posix_spawnp(&child, name.c_str(), actions.get(), nullptr, arguments, environ);
  if (code == ENOENT) {
    return failed(
        code, "the program " + program + " is not installed (Debian: apt-get install gnuplot-nox)");
  }
  if (code != 0) return failed(code, "cannot start " + program + ": " + std::strerror(code));

  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return failed(status, program + " failed: " + last_line(messages));
}

std::string gnuplot_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "''";
    } else {
      quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return quoted + "'";
}

}  // namespace voice
