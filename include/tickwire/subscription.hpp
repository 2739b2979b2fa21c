// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <tickwire/export.hpp>

namespace tickwire {

namespace detail {
class Listeners;
}

/// Keeps a listener subscribed for as long as it lives.
///
/// Lifetime: may outlive its host; ending it then does nothing.
/// Thread:   the host's thread.
class [[nodiscard]] Subscription {
 public:
  Subscription() noexcept = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept {
    if (this != &other) {
      release();
      listeners_ = std::move(other.listeners_);
      id_ = std::exchange(other.id_, 0);
    }
    return *this;
  }
  ~Subscription() { release(); }

  /// Ends it now: the listener is not called again.
  TICKWIRE_API void release() noexcept;

 private:
  friend class detail::Listeners;
  Subscription(std::weak_ptr<detail::Listeners> listeners, std::uint64_t id) noexcept
      : listeners_(std::move(listeners)), id_(id) {}

  std::weak_ptr<detail::Listeners> listeners_;
  std::uint64_t id_ = 0;
};

}  // namespace tickwire
