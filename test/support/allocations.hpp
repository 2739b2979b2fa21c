// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

/// What `new` does in a test program that is built with allocations.cpp, which replaces it: a
/// program can do so only once.
namespace tickwire::test {

/// Counts what the calling thread allocates with `new` while it lives.
class AllocationCount {
 public:
  AllocationCount() noexcept;
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;

  [[nodiscard]] std::size_t calls() const noexcept;
  /// All bytes asked for, also those given back since.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::size_t calls_before_;
  std::size_t bytes_before_;
};

/// Which allocations count until one fails: this thread's, those of them that are made while a
/// `CountedScope` lives, or those of all other threads.
enum class FailingThread { this_one, this_one_in_scopes, any_other };
/// Whether there is memory again after the one that fails.
enum class FailingRun { only_one, from_there_on };

/// The n-th allocation with `new` fails, counted from now, as long as this lives. One at a time.
class FailingAllocation {
 public:
  explicit FailingAllocation(int n, FailingThread thread = FailingThread::this_one,
                             FailingRun run = FailingRun::only_one) noexcept;
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  [[nodiscard]] bool was_reached() const noexcept;
};

/// What this thread allocates counts while one lives.
class CountedScope {
 public:
  CountedScope() noexcept;
  ~CountedScope();
  CountedScope(const CountedScope&) = delete;
  CountedScope& operator=(const CountedScope&) = delete;
};

}  // namespace tickwire::test
