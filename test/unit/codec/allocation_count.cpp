// SPDX-License-Identifier: MIT
#include "allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocation_calls = 0;
thread_local std::size_t allocation_bytes = 0;

void count(std::size_t size) noexcept {
  ++allocation_calls;
  allocation_bytes += size;
}

}  // namespace

// The other forms of `new` and `delete` come down to these, but for the `nothrow` ones where a
// sanitizer brings its own.

void* operator new(std::size_t size) {
  count(size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  count(size);
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  count(size);
  return std::malloc(size == 0 ? 1 : size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
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

}  // namespace tickwire::test
