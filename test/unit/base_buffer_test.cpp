// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/buffer.hpp"
#include "test/support/counting_resource.hpp"

using tickwire::detail::BufferPool;
using tickwire::detail::BufferRef;
using tickwire::detail::PoolOwner;
using tickwire::detail::Slice;
using tickwire::test::CountingResource;

namespace {

// Fails whenever it is told to.
class FailingResource final : public std::pmr::memory_resource {
 public:
  bool fails = false;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (fails) throw std::bad_alloc();
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(place, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

struct Gathering {
  Gathering() noexcept { tickwire::detail::gather_releases(); }
  ~Gathering() { tickwire::detail::settle_releases(); }
};

// Hands blocks from one thread to others.
class Handover {
 public:
  void put(BufferRef block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(std::move(block));
    condition_.notify_one();
  }
  void finish() {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    condition_.notify_all();
  }
  [[nodiscard]] std::optional<BufferRef> take() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [&] { return finished_ || !blocks_.empty(); });
    if (blocks_.empty()) return std::nullopt;
    BufferRef block = std::move(blocks_.back());
    blocks_.pop_back();
    return block;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  std::vector<BufferRef> blocks_;
  bool finished_ = false;
};

}  // namespace

TEST_CASE("buffer pool: a block has the room that was asked for, aligned for anything") {
  CountingResource memory;
  {
    PoolOwner pool(&memory);
    for (const std::size_t bytes :
         {0u, 1u, 511u, 512u, 513u, 2048u, 2049u, 20480u, 20481u, 73728u, 73729u, 1'000'000u}) {
      CAPTURE(bytes);
      const BufferRef block = (*pool).allocate(bytes);
      REQUIRE(block);
      CHECK(block.capacity() >= bytes);
      CHECK(reinterpret_cast<std::uintptr_t>(block.bytes()) % alignof(std::max_align_t) == 0);
      for (std::size_t i = 0; i < block.capacity(); ++i)
        block.bytes()[i] = std::byte{0xa5};  // the address sanitizer watches
    }
  }
  CHECK(memory.bytes_out() == 0);
}

TEST_CASE("buffer pool: a block that came back is the next one out") {
  CountingResource memory;
  PoolOwner pool(&memory);
  const std::byte* first = (*pool).allocate(100).bytes();
  const std::size_t before = memory.allocations();
  for (int i = 0; i < 100; ++i)
    CHECK((*pool).allocate(100).bytes() == first);
  CHECK(memory.allocations() == before);
}

TEST_CASE("buffer pool: the block that came back last is the next one out, however many lie idle") {
  CountingResource memory;
  PoolOwner pool(&memory);
  std::vector<BufferRef> idle;
  for (int i = 0; i < 4; ++i)
    idle.push_back((*pool).allocate(100));
  idle.clear();
  const BufferRef kept = (*pool).allocate(100);
  const std::byte* const last = (*pool).allocate(100).bytes();
  CHECK((*pool).allocate(100).bytes() == last);
}

TEST_CASE("buffer pool: a steady flow through every size class allocates nothing") {
  CountingResource memory;
  PoolOwner pool(&memory);
  std::vector<BufferRef> held;
  const auto round = [&] {
    for (std::size_t i = 0; i < 64; ++i)
      held.push_back((*pool).allocate(i * 1000));
    held.clear();
  };
  round();
  const std::size_t before = memory.allocations();
  for (int i = 0; i < 50; ++i)
    round();
  CHECK(memory.allocations() == before);
}

TEST_CASE("buffer pool: a large block of whatever size is used again, and hardly larger") {
  for (std::size_t bytes = 72 * 1024 + 1; bytes < 4 * 1024 * 1024; bytes += bytes / 16) {
    CAPTURE(bytes);
    CountingResource memory;
    const PoolOwner pool(&memory);
    CHECK((*pool).allocate(bytes).capacity() <= bytes + bytes / 4);
    const auto before = memory.allocations();
    static_cast<void>((*pool).allocate(bytes));
    CHECK(memory.allocations() == before);
  }
}

TEST_CASE("buffer pool: blocks above the largest class go straight back") {
  CountingResource memory;
  PoolOwner pool(&memory);
  const std::size_t before = memory.bytes_out();
  static_cast<void>((*pool).allocate(5 * 1024 * 1024));
  CHECK(memory.bytes_out() == before);
}

TEST_CASE("buffer pool: large blocks are kept for the next, but no more than 16 MiB of them") {
  CountingResource memory;
  PoolOwner pool(&memory);
  const std::size_t before = memory.bytes_out();
  static_cast<void>((*pool).allocate(1024 * 1024));
  const std::size_t allocations = memory.allocations();
  static_cast<void>((*pool).allocate(1024 * 1024));
  CHECK(memory.allocations() == allocations);
  std::vector<BufferRef> held;
  for (int i = 0; i < 40; ++i)
    held.push_back((*pool).allocate(1024 * 1024));
  CHECK(memory.bytes_out() - before > 40 * 1024 * 1024);
  held.clear();
  CHECK(memory.bytes_out() - before <=
        16 * 1024 * 1024 + 40 * sizeof(tickwire::detail::BufferBlock));
}

TEST_CASE("buffer pool: a block stays out until its last copy is gone") {
  CountingResource memory;
  PoolOwner pool(&memory);
  BufferRef first = (*pool).allocate(10);
  const std::byte* place = first.bytes();
  BufferRef second = first;
  BufferRef third(std::move(second));
  CHECK_FALSE(second);
  const BufferRef& itself = first;
  first = itself;
  first = BufferRef();
  CHECK((*pool).allocate(10).bytes() != place);
  CHECK(third.bytes() == place);
  third = BufferRef();
  CHECK((*pool).allocate(10).bytes() == place);
}

TEST_CASE("buffer pool: a reference can be given up and taken over") {
  CountingResource memory;
  {
    PoolOwner pool(&memory);
    BufferRef block = (*pool).allocate(10);
    auto* detached = block.detach();
    CHECK_FALSE(block);
    const BufferRef again(detached);
    CHECK(again.capacity() == 512);
  }
  CHECK(memory.blocks_out() == 0);
}

TEST_CASE("buffer pool: lives on until its last block is home") {
  CountingResource memory;
  std::vector<BufferRef> kept;
  {
    PoolOwner pool(&memory);
    kept.push_back((*pool).allocate(100));
    kept.push_back((*pool).allocate(5000));
    kept.push_back((*pool).allocate(100'000));
    static_cast<void>((*pool).allocate(2000));  // idle when the owner goes
  }
  CHECK(memory.blocks_out() == 4);  // three blocks and the pool
  kept[0].bytes()[0] = std::byte{1};
  kept[0] = BufferRef();
  CHECK(memory.blocks_out() == 3);
  SUBCASE("on the owner's thread") {
    kept.clear();
  }
  SUBCASE("on another thread") {
    std::thread([&] { kept.clear(); }).join();
  }
  CHECK(memory.blocks_out() == 0);
  CHECK(memory.bytes_out() == 0);
}

TEST_CASE("buffer pool: throws what its memory throws, and goes on afterwards") {
  FailingResource memory;
  PoolOwner pool(&memory);
  const BufferRef before = (*pool).allocate(10);
  memory.fails = true;
  CHECK_THROWS_AS(static_cast<void>((*pool).allocate(10)), std::bad_alloc);
  CHECK_THROWS_AS(static_cast<void>((*pool).allocate(100'000)), std::bad_alloc);
  memory.fails = false;
  CHECK((*pool).allocate(10));
}

TEST_CASE("buffer pool: more than a block can count is refused") {
  PoolOwner pool(std::pmr::new_delete_resource());
  if constexpr (sizeof(std::size_t) > 4) {
    CHECK_THROWS_AS(static_cast<void>((*pool).allocate(
                        std::size_t{std::numeric_limits<std::uint32_t>::max()} + 1)),
                    std::bad_alloc);
  }
}

TEST_CASE("buffer pool: blocks come home from other threads and are used again") {
  CountingResource memory;
  {
    PoolOwner pool(&memory);
    Handover handover;
    std::atomic<std::uint64_t> sum{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        while (auto block = handover.take()) {
          const BufferRef copy = *block;
          sum += static_cast<std::uint64_t>(copy.bytes()[0]);
        }
      });
    }
    constexpr int kBlocks = 20'000;
    std::uint64_t expected = 0;
    for (int i = 0; i < kBlocks; ++i) {
      BufferRef block = (*pool).allocate(static_cast<std::size_t>(i % 4) * 1000);
      block.bytes()[0] = static_cast<std::byte>(i % 251);
      expected += static_cast<std::uint64_t>(i % 251);
      const BufferRef kept = block;  // so that two threads end the count
      handover.put(std::move(block));
    }
    handover.finish();
    for (std::thread& reader : readers)
      reader.join();
    CHECK(sum == expected);
  }
  CHECK(memory.bytes_out() == 0);
}

TEST_CASE("buffer pool: its owner may go while blocks come home") {
  for (int round = 0; round < 200; ++round) {
    CountingResource memory;
    std::vector<std::thread> holders;
    std::atomic<bool> go{false};
    {
      PoolOwner pool(&memory);
      for (int i = 0; i < 2; ++i) {
        std::vector<BufferRef> blocks;
        for (int k = 0; k < 20; ++k)
          blocks.push_back((*pool).allocate(100));
        holders.emplace_back([&go, blocks = std::move(blocks)]() mutable {
          while (!go)
            std::this_thread::yield();
          blocks.clear();
        });
      }
      go = true;
    }
    for (std::thread& holder : holders)
      holder.join();
    REQUIRE(memory.blocks_out() == 0);
  }
}

TEST_CASE("buffer pool: releases that are gathered free a block with the last of them") {
  CountingResource memory;
  const PoolOwner pool(&memory);
  const Gathering gathering;
  std::vector<BufferRef> copies(10, (*pool).allocate(10));
  std::vector<BufferRef> others(10, (*pool).allocate(10));
  const std::byte* const place = copies[0].bytes();
  SUBCASE("one block after the other") {
    copies.clear();
  }
  SUBCASE("two in turn") {
    for (; copies.size() > 1; copies.pop_back())
      others.pop_back();
    CHECK((*pool).allocate(10).bytes() != place);
    copies.pop_back();
  }
  SUBCASE("with a copy made meanwhile") {
    copies.resize(5);
    const BufferRef kept = copies[0];
    copies.clear();
    CHECK((*pool).allocate(10).bytes() != place);
  }
  CHECK((*pool).allocate(10).bytes() == place);
}

TEST_CASE("buffer pool: what others hold of a block is counted when the gathering ends") {
  CountingResource memory;
  {
    const PoolOwner pool(&memory);
    std::vector<BufferRef> copies(10, (*pool).allocate(10));
    BufferRef kept = copies[0];
    const auto release_all = [&] { copies.clear(); };
    const auto release_kept = [&] { std::thread([&] { kept = BufferRef(); }).join(); };
    SUBCASE("which they release first") {
      const Gathering gathering;
      release_kept();
      release_all();
    }
    SUBCASE("which they release last") {
      {
        const Gathering gathering;
        release_all();
      }
      release_kept();
    }
    SUBCASE("which they release between the two") {
      const Gathering gathering;
      release_all();
      release_kept();
    }
#ifndef __MINGW32__  // whose threads lose their plain variables before their objects are destroyed
    SUBCASE("by a thread that ends meanwhile") {
      std::thread([&] {
        tickwire::detail::gather_releases();
        release_all();
      }).join();
      release_kept();
    }
#endif
    const std::size_t before = memory.allocations();
    static_cast<void>((*pool).allocate(10));
    CHECK(memory.allocations() == before);
  }
  CHECK(memory.bytes_out() == 0);
}

#ifndef __MINGW32__  // as above
TEST_CASE("buffer pool: threads that gather and threads that do not count alike") {
  CountingResource memory;
  {
    const PoolOwner pool(&memory);
    for (int round = 0; round < 300; ++round) {
      const BufferRef block = (*pool).allocate(10);
      std::vector<std::thread> threads;
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([i, copies = std::vector<BufferRef>(20, block)]() mutable {
          if (i != 0) tickwire::detail::gather_releases();
          copies.clear();
        });
      }
      for (std::thread& each : threads)
        each.join();
    }
  }
  CHECK(memory.bytes_out() == 0);
}
#endif

TEST_CASE("slice: shares its block, and so do its parts") {
  CountingResource memory;
  {
    PoolOwner pool(&memory);
    Slice part;
    CHECK(part.bytes().empty());
    {
      const Slice whole{(*pool).allocate(100), 10, 50};
      for (std::size_t i = 0; i < 50; ++i)
        whole.bytes()[i] = static_cast<std::byte>(i);
      part = whole.part(20, 5);
    }
    REQUIRE(part.bytes().size() == 5);
    CHECK(part.bytes()[0] == std::byte{20});
    CHECK(part.part(4, 1).bytes()[0] == std::byte{24});
    CHECK(part.part(5, 0).bytes().empty());
  }
  CHECK(memory.bytes_out() == 0);
}
