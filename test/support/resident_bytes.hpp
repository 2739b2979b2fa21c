// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tickwire::test {

/// What of a block the system has found memory for.
inline std::size_t resident_bytes(std::byte* block, std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::byte* const begin = block - reinterpret_cast<std::uintptr_t>(block) % page;
  const auto length = static_cast<std::size_t>(block + bytes - begin);
  std::vector<unsigned char> pages((length + page - 1) / page);
  REQUIRE(::mincore(begin, length, pages.data()) == 0);
  const auto count =
      std::count_if(pages.begin(), pages.end(), [](unsigned char each) { return (each & 1) != 0; });
  return page * static_cast<std::size_t>(count);
}

/// From here on the allocator writes nothing to what it hands out, whatever MALLOC_PERTURB_ says.
inline void fill_nothing() {
#ifdef M_PERTURB
  ::mallopt(M_PERTURB, 0);
#endif
}

}  // namespace tickwire::test
