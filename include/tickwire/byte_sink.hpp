// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <tickwire/export.hpp>

namespace tickwire {

/// Contiguous memory that a `ByteWriter` appends to and that grows on demand. Derive from it to
/// encode straight into memory of your own.
class ByteSink {
 public:
  virtual ~ByteSink() = default;

  /// What was written. Lacks what a living `ByteWriter` has not handed over yet.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  /// Whether a `ByteWriter` is not done with it yet.
  [[nodiscard]] bool has_writer() const noexcept { return has_writer_; }

 protected:
  ByteSink() noexcept = default;
  ByteSink(std::byte* data, std::size_t size, std::size_t capacity) noexcept
      : data_(data), size_(size), capacity_(capacity) {}
  ByteSink(const ByteSink&) = default;
  ByteSink& operator=(const ByteSink&) = default;

  /// Sets `data_` and `capacity_` so that at least `least_capacity` bytes fit, and keeps the first
  /// `size_` bytes. Answers false, with nothing changed, when it will not hold that much; the
  /// encode then ends in `message_too_large`.
  virtual bool grow(std::size_t least_capacity) = 0;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;

 private:
  friend class ByteWriter;
  bool has_writer_ = false;
};

/// Memory for one encode after the other: keeps what it has grown to, and is faster than a vector,
/// which fills with zeros what it grows by.
class TICKWIRE_API ByteBuffer final : public ByteSink {
 public:
  ByteBuffer() noexcept = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() override;

  void clear() noexcept { size_ = 0; }

 private:
  bool grow(std::size_t least_capacity) override;

  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace tickwire
