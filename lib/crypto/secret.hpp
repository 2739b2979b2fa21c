// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tickwire::crypto {

/// Overwrites bytes that are not used any more, whatever the compiler thinks of that.
void wipe(std::span<std::byte> bytes) noexcept;

/// Whether both are the same, in a time that does not say where they differ.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::byte> a,
                                          std::span<const std::byte> b) noexcept;

/// Wipes bytes at the end of a scope.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}
  ~WipeAtEnd() { wipe(bytes_); }
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;

 private:
  std::span<std::byte> bytes_;
};

/// A password: moved and never copied, and wiped in the end.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(Secret&& other) noexcept { text_.swap(other.text_); }
  Secret& operator=(Secret&& other) noexcept {
    text_.swap(other.text_);
    other.clear();
    return *this;
  }
  ~Secret() { clear(); }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span(text_));
  }

 private:
  void clear() noexcept {
    // A short string lies in the object, and swapping has left all of it behind.
    text_.resize(text_.capacity());
    wipe(std::as_writable_bytes(std::span(text_)));
    text_.clear();
  }

  std::string text_;
};

}  // namespace tickwire::crypto
