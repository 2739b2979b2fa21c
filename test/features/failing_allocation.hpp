// SPDX-License-Identifier: MIT
#pragma once

namespace tickwire::test {

/// The n-th allocation fails of those that count, as long as this lives. One at a time.
///
/// Thread: the tests' own.
class FailingAllocation {
 public:
  /// Which count: all of other threads, or those of this one while a `Counted` lives.
  enum class Of { other_threads, this_thread };
  /// Whether there is memory again after the one that fails.
  enum class Which { only_this, all_from_this_on };

  FailingAllocation(int n, Of of, Which which = Which::only_this);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  [[nodiscard]] bool was_reached() const;

  class Counted {
   public:
    Counted();
    ~Counted();
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
  };
};

}  // namespace tickwire::test
