// SPDX-License-Identifier: MIT
#include "test/support/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#ifdef _WIN32
#include <malloc.h>
#endif

namespace {

thread_local std::size_t allocation_calls = 0;
thread_local std::size_t allocation_bytes = 0;

using tickwire::test::FailingRun;
using tickwire::test::FailingThread;

std::atomic<bool> is_armed{false};
std::atomic<FailingThread> failing_thread{FailingThread::this_one};
std::atomic<FailingRun> failing_run{FailingRun::only_one};
std::atomic<int> until_failure{0};  // 1: the next one fails; 0 or less: it has
thread_local bool is_here = false;  // the thread that said which is to fail
thread_local bool is_in_scope = false;

bool counts_now() noexcept {
  switch (failing_thread) {
    case FailingThread::this_one:
      return is_here;
    case FailingThread::this_one_in_scopes:
      return is_here && is_in_scope;
    case FailingThread::any_other:
      return !is_here;
  }
  return false;
}

bool fails_now() noexcept {
  if (!is_armed || !counts_now()) return false;
  const int left = until_failure.fetch_sub(1);
  return left == 1 || (left < 1 && failing_run == FailingRun::from_there_on);
}

/// Null where there is no memory, or where there is to be none.
void* allocate(std::size_t size) noexcept {
  ++allocation_calls;
  allocation_bytes += size;
  return fails_now() ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* allocate_aligned(std::size_t size, std::size_t unit) noexcept {
  ++allocation_calls;
  allocation_bytes += size;
  if (fails_now()) return nullptr;
#ifdef _WIN32
  return _aligned_malloc(size, unit);
#else
  return std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
#endif
}

void free_aligned(void* memory) noexcept {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace

// All forms that the library and its tests use: what is left to a sanitizer, or to a library that
// is loaded, would not come down to these. Aligned ones without exceptions are used by nothing.

void* operator new(std::size_t size) {
  if (void* memory = allocate(size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (void* memory = allocate_aligned(size, static_cast<std::size_t>(alignment))) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return operator new(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  free_aligned(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  free_aligned(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  free_aligned(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  free_aligned(memory);
}

namespace tickwire::test {

AllocationCount::AllocationCount() noexcept
    : calls_before_(allocation_calls), bytes_before_(allocation_bytes) {}

std::size_t AllocationCount::calls() const noexcept {
  return allocation_calls - calls_before_;
}

std::size_t AllocationCount::bytes() const noexcept {
  return allocation_bytes - bytes_before_;
}

FailingAllocation::FailingAllocation(int n, FailingThread thread, FailingRun run) noexcept {
  is_here = true;
  until_failure = n;
  failing_thread = thread;
  failing_run = run;
  is_armed = true;
}

FailingAllocation::~FailingAllocation() {
  is_armed = false;
  is_here = false;
}

bool FailingAllocation::was_reached() const noexcept {
  return until_failure <= 0;
}

CountedScope::CountedScope() noexcept {
  is_in_scope = true;
}

CountedScope::~CountedScope() {
  is_in_scope = false;
}

}  // namespace tickwire::test
