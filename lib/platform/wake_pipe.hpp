// SPDX-License-Identifier: MIT
#pragma once

namespace tickwire::detail {

/// A descriptor that becomes readable when somebody signals.
///
/// Thread: `signal` from any, and from a signal handler.
class WakePipe {
 public:
  /// Throws `std::bad_alloc` when the system has no descriptor left.
  WakePipe();
  ~WakePipe();
  WakePipe(const WakePipe&) = delete;
  WakePipe& operator=(const WakePipe&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return read_end_; }
  void signal() noexcept;
  /// Forgets all signals so far.
  void drain() noexcept;

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};

}  // namespace tickwire::detail
