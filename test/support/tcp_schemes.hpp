// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

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

/// The descriptor that this process gets next; all below it are taken.
[[nodiscard]] inline std::size_t lowest_free_descriptor() {
  const int descriptor = ::dup(0);
  ::close(descriptor);
  return static_cast<std::size_t>(descriptor);
}

/// While it lives, this process may have more descriptors than it is used to, where the system
/// lets it.
class ManyDescriptors {
 public:
  explicit ManyDescriptors(std::size_t further) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const std::size_t used = lowest_free_descriptor() + 64;
    rlimit more = before_;
    more.rlim_cur =
        std::max(before_.rlim_cur, std::min(before_.rlim_max, static_cast<rlim_t>(used + further)));
    const bool is_set = setrlimit(RLIMIT_NOFILE, &more) == 0;
    const auto all = static_cast<std::size_t>(is_set ? more.rlim_cur : before_.rlim_cur);
    further_ = std::min(further, all - std::min(all, used));
  }
  ~ManyDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  ManyDescriptors(const ManyDescriptors&) = delete;
  ManyDescriptors& operator=(const ManyDescriptors&) = delete;

  /// No more than was asked for.
  [[nodiscard]] std::size_t further() const noexcept { return further_; }

 private:
  rlimit before_{};
  std::size_t further_ = 0;
};

/// While it lives, this process gets no further descriptor.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none_left = before_;
    none_left.rlim_cur = static_cast<rlim_t>(lowest_free_descriptor());
    setrlimit(RLIMIT_NOFILE, &none_left);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace tickwire::test
