// SPDX-License-Identifier: MIT
#include "lib/platform/large_page_memory.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory_resource>
#include <sstream>
#include <string>

#include "test/support/resident_bytes.hpp"

/// Blocks of large messages, and the pages behind them.
using namespace tickwire;
using detail::default_memory;

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

// The flags that Linux keeps for the mapping at `place`; "hg": asked for large pages.
std::string mapping_flags(const void* place) {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  std::ifstream mappings("/proc/self/smaps");
  bool is_within = false;
  for (std::string line; std::getline(mappings, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    if (std::istringstream(line) >> std::hex >> begin >> dash >> end && dash == '-') {
      is_within = begin <= address && address < end;
    } else if (is_within && line.starts_with("VmFlags:")) {
      return line;
    }
  }
  return {};
}

// Whether the system gives them to who has not asked.
bool has_large_pages_everywhere() {
  std::string setting;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), setting);
  return setting.find("[always]") != std::string::npos;
}

}  // namespace

TEST_CASE("a block of 8 MiB and more lies on large pages where there are any") {
  std::pmr::memory_resource& memory = *default_memory();
  for (const std::size_t bytes : {4 * kLargePage, 16 * kLargePage + 1}) {
    auto* const block = static_cast<std::byte*>(memory.allocate(bytes, 16));
    CHECK(reinterpret_cast<std::uintptr_t>(block) % kLargePage == 0);
    std::memset(block, 1, bytes);
    if (std::filesystem::exists("/sys/kernel/mm/transparent_hugepage"))
      CHECK(mapping_flags(block + 2 * kLargePage).find(" hg") != std::string::npos);
    memory.deallocate(block, bytes, 16);
  }
  void* const small = memory.allocate(4 * kLargePage - 1, 16);
  std::memset(small, 1, 4 * kLargePage - 1);
  memory.deallocate(small, 4 * kLargePage - 1, 16);
}

TEST_CASE("a large block of which little is written takes little memory") {
  test::fill_nothing();
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  std::pmr::memory_resource& memory = *default_memory();
  auto* const block = static_cast<std::byte*>(memory.allocate(kBytes, 16));
  CHECK(test::resident_bytes(block, kBytes) < kLargePage / 2);
  std::memset(block, 1, 64 * 1024);
  if (!has_large_pages_everywhere()) CHECK(test::resident_bytes(block, kBytes) < kLargePage / 2);
  // What comes later takes at most one page more than itself.
  std::memset(block, 1, kBytes / 2 + 1);
  CHECK(test::resident_bytes(block, kBytes) <= kBytes / 2 + kLargePage);
  memory.deallocate(block, kBytes, 16);
}

TEST_CASE("a program's own default resource is taken as it is") {
  std::pmr::monotonic_buffer_resource own;
  std::pmr::memory_resource* const before = std::pmr::set_default_resource(&own);
  CHECK(default_memory() == &own);
  std::pmr::set_default_resource(before);
  CHECK(default_memory() != before);
}
