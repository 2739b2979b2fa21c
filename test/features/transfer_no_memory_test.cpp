// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include <tickwire/transfer.hpp>

#include "test/features/transfer_pair.hpp"
#include "test/support/allocations.hpp"

/// Allocations that fail on the thread that reads, writes and hashes files.
namespace tickwire {
namespace {

using test::TransferPair;

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
      const test::FailingAllocation failing(n, test::FailingThread::any_other);
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
