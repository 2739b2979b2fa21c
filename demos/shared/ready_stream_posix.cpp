// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "demos/shared/ready_stream.hpp"

namespace demo {
namespace {

// What a pipe takes whole when it takes anything.
constexpr std::size_t kPieceBytes = 512;

}  // namespace

// A stopped terminal may have room for half a line and hold up the writer of a whole one. Not to
// wait is a property of what was opened, which other programs share: so it is opened once more.
ReadyStream::ReadyStream(int number) : number_(number) {
  std::array<char, 256> name{};
  if (isatty(number) == 1 && ttyname_r(number, name.data(), name.size()) == 0) {
    own_ = open(name.data(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  }
}

ReadyStream::~ReadyStream() {
  if (own_ >= 0) close(own_);
}

std::size_t ReadyStream::write(std::string_view text) {
  pollfd wanted{own_ >= 0 ? own_ : number_, POLLOUT, 0};
  if (poll(&wanted, 1, 0) <= 0) return 0;
  if ((wanted.revents & POLLOUT) == 0) return text.size();
  const auto written = ::write(wanted.fd, text.data(), std::min(text.size(), kPieceBytes));
  if (written >= 0) return static_cast<std::size_t>(written);
  return errno == EAGAIN || errno == EINTR ? 0 : text.size();
}

}  // namespace demo
