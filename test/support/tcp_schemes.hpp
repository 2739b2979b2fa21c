// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include "test/support/host_pair.hpp"

namespace tickwire::test {

[[nodiscard]] inline const Scheme& tcp_scheme() {
  static const Scheme scheme{"tcp", true, false, ErrorCode::connection_refused};
  return scheme;
}
[[nodiscard]] inline const Scheme& raw_scheme() {
  static const Scheme scheme{"raw+tcp", true, false, ErrorCode::connection_refused};
  return scheme;
}

/// Whether a test may leave this process without a descriptor. Under the sanitizers not: they need
/// a pipe to look at an object's type, and take it for broken when there is none.
[[nodiscard]] inline bool can_do_without_descriptors() {
#if defined(__SANITIZE_ADDRESS__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

/// While it lives, this process gets no further descriptor.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit none_left = before_;
    none_left.rlim_cur = static_cast<rlim_t>(lowest_free);
    setrlimit(RLIMIT_NOFILE, &none_left);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace tickwire::test
