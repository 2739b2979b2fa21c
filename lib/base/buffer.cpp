// SPDX-License-Identifier: MIT
#include "lib/base/buffer.hpp"

#include <limits>
#include <new>

// A thread's own variable at an address that is known from the start, without a call to find it.
#ifdef __GLIBC__
#define TICKWIRE_NEAR_THREAD_LOCAL [[gnu::tls_model("initial-exec")]] constinit thread_local
#else
#define TICKWIRE_NEAR_THREAD_LOCAL constinit thread_local
#endif

namespace tickwire::detail {
namespace {

// What a thread has released, and the count does not know of yet.
struct Gathered {
  BufferBlock* block = nullptr;
  std::uint32_t references = 0;  // of the block, if there is one
  bool is_on = false;
};
TICKWIRE_NEAR_THREAD_LOCAL Gathered gathered;

// What a list of idle blocks holds once its owner is gone: blocks that come back then are freed.
constinit BufferBlock closed{};

}  // namespace

void retain(BufferBlock* block, std::uint32_t references) noexcept {
  block->references.fetch_add(references, std::memory_order_relaxed);
}

BufferBlock* BufferRef::detach(std::uint32_t references) noexcept {
  // Nobody copies what is about to go; whose it is alone, it needs no locked instruction.
  if (block_->references.load(std::memory_order_acquire) == 1) {
    block_->references.store(references, std::memory_order_relaxed);
  } else {
    retain(block_, references - 1);
  }
  return detach();
}

void release(BufferBlock* block, std::uint32_t references) noexcept {
  // Nearly always it is one more of the same.
  if (gathered.block != block) return BufferPool::release_another(block, references);
  gathered.references += references;
  if (block->references.load(std::memory_order_acquire) != gathered.references) return;
  gathered.block = nullptr;
  block->pool->take_back(block);
}

[[gnu::noinline]] void BufferPool::release_another(BufferBlock* block,
                                                   std::uint32_t references) noexcept {
  // Alone with it, nobody else can be counting: spares the locked instruction.
  if (block->references.load(std::memory_order_acquire) == references) {
    block->pool->take_back(block);
  } else if (gathered.is_on) {
    take_off(std::exchange(gathered.block, block), gathered.references);
    gathered.references = references;
  } else {
    take_off(block, references);
  }
}

void gather_releases() noexcept {
  // A thread that ends between two passes.
  struct SettleAtExit {
    ~SettleAtExit() { settle_releases(); }
  };
  static thread_local const SettleAtExit settle_at_exit;
  gathered.is_on = true;
}

void settle_releases() noexcept {
  gathered.is_on = false;
  BufferPool::take_off(std::exchange(gathered.block, nullptr), gathered.references);
}

void BufferPool::take_off(BufferBlock* block, std::uint32_t references) noexcept {
  if (block != nullptr &&
      block->references.fetch_sub(references, std::memory_order_acq_rel) == references) {
    block->pool->take_back(block);
  }
}

BufferPool* BufferPool::create(std::pmr::memory_resource* resource) {
  void* place = resource->allocate(sizeof(BufferPool), alignof(BufferPool));
  return new (place) BufferPool(resource);
}

BufferRef BufferPool::allocate(std::size_t bytes) {
  std::uint32_t size_class = 0;
  while (size_class < kUnpooled && kClassBytes[size_class] < bytes)
    ++size_class;
  if (size_class == kUnpooled) {
    if (bytes > std::numeric_limits<std::uint32_t>::max()) throw std::bad_alloc();
    return BufferRef(make(bytes, kUnpooled));
  }
  BufferBlock* const block = take_idle(size_class);
  if (block == nullptr) return BufferRef(make(kClassBytes[size_class], size_class));
  if (size_class >= kFirstLarge) {
    large_idle_bytes_.fetch_sub(block->capacity, std::memory_order_relaxed);
  }
  block->references.store(1, std::memory_order_relaxed);
  return BufferRef(block);
}

// The one that came back last: the processor's caches are likely to have it. Only one thread takes,
// so a block that is seen here stays here.
BufferBlock* BufferPool::take_idle(std::uint32_t size_class) noexcept {
  auto& idle = idle_[size_class];
  BufferBlock* first = idle.load(std::memory_order_acquire);
  while (first != nullptr &&
         !idle.compare_exchange_weak(first, first->next_free, std::memory_order_acquire)) {
  }
  return first;
}

BufferBlock* BufferPool::make(std::size_t capacity, std::uint32_t size_class) {
  void* place = resource_->allocate(sizeof(BufferBlock) + capacity, alignof(std::max_align_t));
  users_.fetch_add(1, std::memory_order_relaxed);
  auto* const data = static_cast<std::byte*>(place) + sizeof(BufferBlock);
  return new (place)
      BufferBlock{{1}, static_cast<std::uint32_t>(capacity), size_class, nullptr, this, data};
}

BufferRef BufferPool::adopt(std::vector<std::byte>&& bytes) {
  void* place = resource_->allocate(sizeof(AdoptedBlock), alignof(AdoptedBlock));
  users_.fetch_add(1, std::memory_order_relaxed);
  auto* const block = new (place) AdoptedBlock{
      {{1}, static_cast<std::uint32_t>(bytes.size()), kAdopted, nullptr, this, bytes.data()}, {}};
  block->content = std::move(bytes);
  return BufferRef(block);
}

std::vector<std::byte> BufferPool::give_back(BufferRef adopted) noexcept {
  return std::move(static_cast<AdoptedBlock*>(adopted.block())->content);
}

void BufferPool::take_back(BufferBlock* block) noexcept {
  if (!may_keep(*block)) return free_block(block);
  auto& idle = idle_[block->size_class];
  block->next_free = idle.load(std::memory_order_relaxed);
  do {
    if (block->next_free == &closed) return free_block(block);
  } while (!idle.compare_exchange_weak(block->next_free, block, std::memory_order_release,
                                       std::memory_order_relaxed));
}

bool BufferPool::may_keep(const BufferBlock& block) noexcept {
  if (block.size_class < kFirstLarge) return true;
  if (block.size_class >= kUnpooled) return false;
  const std::size_t before = large_idle_bytes_.fetch_add(block.capacity, std::memory_order_relaxed);
  if (before + block.capacity <= kMaxLargeIdleBytes) return true;
  large_idle_bytes_.fetch_sub(block.capacity, std::memory_order_relaxed);
  return false;
}

void BufferPool::free_block(BufferBlock* block) noexcept {
  if (block->size_class == kAdopted) {
    auto* const adopted = static_cast<AdoptedBlock*>(block);
    adopted->~AdoptedBlock();
    resource_->deallocate(adopted, sizeof(AdoptedBlock), alignof(AdoptedBlock));
  } else {
    const std::size_t bytes = sizeof(BufferBlock) + block->capacity;
    block->~BufferBlock();
    resource_->deallocate(block, bytes, alignof(std::max_align_t));
  }
  drop_user();
}

void BufferPool::abandon() noexcept {
  for (auto& idle : idle_) {
    BufferBlock* block = idle.exchange(&closed, std::memory_order_acquire);
    while (block != nullptr)
      free_block(std::exchange(block, block->next_free));
  }
  drop_user();
}

void BufferPool::drop_user() noexcept {
  if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::pmr::memory_resource* resource = resource_;
  this->~BufferPool();
  resource->deallocate(this, sizeof(BufferPool), alignof(BufferPool));
}

}  // namespace tickwire::detail
