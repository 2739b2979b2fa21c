// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <tickwire/event.hpp>
#include <tickwire/subscription.hpp>

namespace tickwire::detail {

/// The functions that a program wants called, by event. They may come and go while one is called.
class Listeners : public std::enable_shared_from_this<Listeners> {
 public:
  using Function = std::function<void(const Event&)>;

  /// `type_id` 0: whatever the object's type.
  [[nodiscard]] Subscription add(EventMask types, std::uint32_t type_id, Function function);
  void remove(std::uint64_t id) noexcept;
  void dispatch(const Event& event);
  /// Forgets all, for good. Pre: none is being called.
  void clear() noexcept { std::vector<Entry>().swap(entries_); }

 private:
  class Depth;
  void sweep();
  struct Entry {
    std::uint64_t id = 0;  // 0: removed while a dispatch was under way
    EventMask types;
    std::uint32_t type_id = 0;
    std::shared_ptr<const Function> function;
  };

  std::vector<Entry> entries_;
  std::uint64_t last_id_ = 0;
  int dispatching_ = 0;
  bool has_removed_ = false;
};

}  // namespace tickwire::detail
