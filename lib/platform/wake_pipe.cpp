// SPDX-License-Identifier: MIT
#include "lib/platform/wake_pipe.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace tickwire::detail {

namespace {

// Where the system can do it in the same call: a program that is started by another thread in
// between would inherit the pipe. A system without this one has no `pipe2` either.
#ifdef SOCK_CLOEXEC
bool open_pipe(int (&ends)[2]) noexcept {
  return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
}
#else
bool open_pipe(int (&ends)[2]) noexcept {
  if (pipe(ends) != 0) return false;
  for (const int end : ends) {
    fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK);
    fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  return true;
}
#endif

}  // namespace

WakePipe::WakePipe() {
  int ends[2];
  if (!open_pipe(ends)) throw std::bad_alloc();
  read_end_ = ends[0];
  write_end_ = ends[1];
}

WakePipe::~WakePipe() {
  close(read_end_);
  close(write_end_);
}

void WakePipe::signal() noexcept {
  const int saved = errno;
  const char byte = 0;
  // A full pipe is as awake as it gets.
  [[maybe_unused]] const auto written = write(write_end_, &byte, 1);
  errno = saved;
}

void WakePipe::drain() noexcept {
  char drained[64];
  while (read(read_end_, drained, sizeof drained) > 0) {
  }
}

}  // namespace tickwire::detail
