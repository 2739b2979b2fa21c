// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_pair.hpp"

/// Allocations that fail on the thread that reads, writes and hashes files.
namespace {

// The one that fails, of all threads but the tests' own, counted from now; 0 or less: none.
std::atomic<int> failing_allocation{0};
std::atomic<bool> is_armed{false};
std::thread::id tests_thread;

void* allocate(std::size_t size) {
  const bool counts = is_armed && std::this_thread::get_id() != tests_thread;
  if (counts && failing_allocation.fetch_sub(1) == 1) throw std::bad_alloc();
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

namespace tickwire {
namespace {

using test::TransferPair;

/// The n-th allocation of another thread fails, as long as this lives.
class Failing {
 public:
  explicit Failing(int n) {
    tests_thread = std::this_thread::get_id();
    failing_allocation = n;
    is_armed = true;
  }
  ~Failing() { is_armed = false; }
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;
  [[nodiscard]] bool was_reached() const { return failing_allocation <= 0; }
};

TEST_CASE("a file thread that memory runs out for ends its transfer, and goes on") {
  const std::string text = test::pattern(300'000);
  bool is_to_file = false;
  SUBCASE("to memory") {}
  SUBCASE("to a file") {
    is_to_file = true;
  }
  bool was_reached = true;
  int failed = 0;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 1000);
    TransferPair files(test::memory_scheme(), {}, test::in_small_steps(), test::in_small_steps());
    const auto id = files.offer(files.from.write("text", text));
    {
      const Failing failing(n);
      if (is_to_file) {
        REQUIRE(files.receiver.accept(id, files.to / "text"));
      } else {
        REQUIRE(files.receiver.accept_to_memory(id, text.size()));
      }
      files.wait_finished();
      was_reached = failing.was_reached();
    }
    failed += files.received_result() == ErrorCode::none ? 0 : 1;
    // The next one finds everything in order.
    const auto next = files.offer(files.from.write("next", "short"));
    REQUIRE(files.receiver.accept(next, files.to / "next"));
    files.wait_finished();
    CHECK(files.received_result() == ErrorCode::none);
    CHECK(test::text_of_file(files.to / "next") == "short");
  }
  CHECK(failed > 0);
}

}  // namespace
}  // namespace tickwire
