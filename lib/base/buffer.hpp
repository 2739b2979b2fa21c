// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

namespace tickwire::detail {

class BufferPool;

/// One counted block of bytes.
struct alignas(std::max_align_t) BufferBlock {
  std::atomic<std::uint32_t> references;
  std::uint32_t capacity;
  std::uint32_t size_class;
  BufferBlock* next_free;
  BufferPool* pool;
  std::byte* data;  ///< behind this header; of an adopted one, elsewhere

  [[nodiscard]] std::byte* bytes() const noexcept { return data; }
};

void retain(BufferBlock* block, std::uint32_t references = 1) noexcept;
void release(BufferBlock* block, std::uint32_t references = 1) noexcept;

/// From here to `settle_releases` this thread takes what it releases of one block, one reference
/// after the other, off its count in one go: a locked instruction for a packet's messages and not
/// for each. The last reference of all still frees the block at once, unless other threads had
/// some. A thread that never settles does so with its next pass, or its end.
void gather_releases() noexcept;
void settle_releases() noexcept;

/// Shares a block. The last one gone gives it back to its pool.
///
/// Thread: copies may live and die on any thread.
class BufferRef {
 public:
  BufferRef() noexcept = default;
  /// Takes over one reference.
  explicit BufferRef(BufferBlock* block) noexcept : block_(block) {}
  BufferRef(const BufferRef& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) retain(block_);
  }
  BufferRef(BufferRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BufferRef() {
    if (block_ != nullptr) release(block_);
  }

  explicit operator bool() const noexcept { return block_ != nullptr; }
  [[nodiscard]] std::byte* bytes() const noexcept { return block_->bytes(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return block_->capacity; }
  [[nodiscard]] BufferBlock* block() const noexcept { return block_; }
  /// Gives up the reference without ending it.
  [[nodiscard]] BufferBlock* detach() noexcept { return std::exchange(block_, nullptr); }
  /// The same, as so many references. Pre: there is one; `references` is not 0.
  [[nodiscard]] BufferBlock* detach(std::uint32_t references) noexcept;

 private:
  BufferBlock* block_ = nullptr;
};

/// Hands out blocks and takes them back for the next one to ask.
///
/// Lifetime: it lives on until its last block has come home, whoever holds that.
/// Thread:   one thread allocates; blocks come back from any.
/// Memory:   from `resource`, which outlives every block. Blocks above the largest size class go
///           straight back to it, and so do those above 72 KiB when 16 MiB of them lie idle.
class BufferPool {
 public:
  [[nodiscard]] static BufferPool* create(std::pmr::memory_resource* resource);
  /// The owner's last word: frees what is idle, and the pool itself with the last block.
  void abandon() noexcept;

  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A block of at least `bytes`. Throws what the resource throws.
  [[nodiscard]] BufferRef allocate(std::size_t bytes);
  /// A block of somebody else's bytes, which end with it. Pre: fewer than 4 GiB.
  [[nodiscard]] BufferRef adopt(std::vector<std::byte>&& bytes);
  /// Takes the bytes out of such a block again. Pre: it is one, and nobody shares it.
  [[nodiscard]] static std::vector<std::byte> give_back(BufferRef adopted) noexcept;

 private:
  friend void release(BufferBlock*, std::uint32_t) noexcept;
  friend void settle_releases() noexcept;

  // What a queue may hold is counted in bytes, so a large block is no more than a quarter larger
  // than it must be. Some fit powers of two with a header.
  static constexpr std::size_t kClassBytes[] = {
      512,         2048,        4608,        20 * 1024,   72 * 1024,   89 * 1024,   111 * 1024,
      138 * 1024,  171 * 1024,  213 * 1024,  264 * 1024,  321 * 1024,  391 * 1024,  475 * 1024,
      578 * 1024,  703 * 1024,  855 * 1024,  1040 * 1024, 1266 * 1024, 1540 * 1024, 1875 * 1024,
      2281 * 1024, 2776 * 1024, 3379 * 1024, 4112 * 1024};
  static constexpr std::uint32_t kFirstLarge = 5;
  static constexpr std::uint32_t kUnpooled = std::size(kClassBytes);
  static constexpr std::uint32_t kAdopted = kUnpooled + 1;
  struct AdoptedBlock : BufferBlock {
    std::vector<std::byte> content;
  };
  // Large blocks that lie idle, together: enough for a flow of large messages not to ask the system
  // for fresh pages each time, and little enough to keep for ever.
  static constexpr std::size_t kMaxLargeIdleBytes = 16 * 1024 * 1024;

  explicit BufferPool(std::pmr::memory_resource* resource) noexcept : resource_(resource) {}
  ~BufferPool() = default;
  [[nodiscard]] BufferBlock* take_idle(std::uint32_t size_class) noexcept;
  [[nodiscard]] BufferBlock* make(std::size_t capacity, std::uint32_t size_class);
  static void take_off(BufferBlock* block, std::uint32_t references) noexcept;
  static void release_another(BufferBlock* block, std::uint32_t references) noexcept;
  void take_back(BufferBlock* block) noexcept;
  [[nodiscard]] bool may_keep(const BufferBlock& block) noexcept;
  void free_block(BufferBlock* block) noexcept;
  void drop_user() noexcept;

  std::pmr::memory_resource* resource_;
  std::atomic<BufferBlock*> idle_[kUnpooled]{};  // of each class: pushed by anyone
  std::atomic<std::size_t> large_idle_bytes_{0};
  std::atomic<std::size_t> users_{1};  // the owner, and every block that there is
};

/// Owns a pool for as long as its host lives.
class PoolOwner {
 public:
  explicit PoolOwner(std::pmr::memory_resource* resource) : pool_(BufferPool::create(resource)) {}
  ~PoolOwner() { pool_->abandon(); }
  PoolOwner(const PoolOwner&) = delete;
  PoolOwner& operator=(const PoolOwner&) = delete;
  [[nodiscard]] BufferPool& operator*() const noexcept { return *pool_; }

 private:
  BufferPool* pool_;
};

/// A stretch of a shared block.
struct Slice {
  BufferRef buffer;
  std::uint32_t begin = 0;
  std::uint32_t size = 0;

  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return buffer ? std::span<std::byte>(buffer.bytes() + begin, size) : std::span<std::byte>();
  }
  /// A part of it, sharing the block.
  [[nodiscard]] Slice part(std::size_t offset, std::size_t length) const {
    return {buffer, begin + static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)};
  }
};

}  // namespace tickwire::detail
