// SPDX-License-Identifier: MIT
#include "test/features/failing_allocation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>

namespace {

std::atomic<int> failing_allocation{0};  // counted from now; 0 or less: it has failed
std::atomic<bool> is_armed{false};
std::atomic<bool> counts_others{false};
std::atomic<bool> goes_on_failing{false};
std::thread::id tests_thread;
thread_local bool is_counted = false;

void* allocate(std::size_t size) {
  const bool is_other = std::this_thread::get_id() != tests_thread;
  if (is_armed && (counts_others ? is_other : is_counted)) {
    const int left = failing_allocation.fetch_sub(1);
    if (left == 1 || (left < 1 && goes_on_failing)) throw std::bad_alloc();
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
// Where a sanitizer brings its own, it would not know what to make of the `delete` below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tickwire::test {

FailingAllocation::FailingAllocation(int n, Of of, Which which) {
  tests_thread = std::this_thread::get_id();
  failing_allocation = n;
  counts_others = of == Of::other_threads;
  goes_on_failing = which == Which::all_from_this_on;
  is_armed = true;
}

FailingAllocation::~FailingAllocation() {
  is_armed = false;
}

bool FailingAllocation::was_reached() const {
  return failing_allocation <= 0;
}

FailingAllocation::Counted::Counted() {
  is_counted = true;
}

FailingAllocation::Counted::~Counted() {
  is_counted = false;
}

}  // namespace tickwire::test
