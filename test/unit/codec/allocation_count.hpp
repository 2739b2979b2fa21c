// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

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

}  // namespace tickwire::test
