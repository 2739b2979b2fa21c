// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <system_error>

namespace bench {
namespace {

[[noreturn]] void throw_errno(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

int status_of(const std::function<void()>& work) {
  try {
    work();
    return EXIT_SUCCESS;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << std::endl;
    return EXIT_FAILURE;
  }
}

// SIGALRM ends a process that does not handle it.
unsigned seconds_left() {
  const unsigned left = alarm(0);
  alarm(left);
  return left;
}

}  // namespace

int run_program(unsigned time_limit_seconds, const std::function<void()>& work) {
  alarm(time_limit_seconds);
  std::signal(SIGPIPE, SIG_IGN);
  return status_of(work);
}

TextPipe::TextPipe() {
  if (pipe(ends_) != 0) throw_errno("pipe");
}

TextPipe::~TextPipe() {
  close(ends_[0]);
  close(ends_[1]);
}

void TextPipe::send(const std::string& line) const {
  const std::string text = line + '\n';
  if (write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw_errno("write");
}

std::string TextPipe::receive() const {
  std::string line;
  for (char letter = 0;;) {
    if (read(ends_[0], &letter, 1) != 1) throw_errno("read");
    if (letter == '\n') return line;
    line += letter;
  }
}

bool TextPipe::has_text() const {
  pollfd entry{ends_[0], POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

Child::Child(const std::function<void()>& work) {
  const pid_t parent = getpid();
  const unsigned left = seconds_left();  // an alarm is not inherited
  id_ = fork();
  if (id_ < 0) throw_errno("fork");
  if (id_ > 0) return;
  alarm(left);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE);  // it ended before the line above
  _exit(status_of(work));
}

void Child::end() noexcept {
  if (id_ == 0) return;
  kill(id_, SIGKILL);
  waitpid(id_, nullptr, 0);
  id_ = 0;
}

void Child::join() {
  int status = 0;
  while (waitpid(id_, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  id_ = 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
    throw std::runtime_error("The other process failed.");
}

}  // namespace bench
