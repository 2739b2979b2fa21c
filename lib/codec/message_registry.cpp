// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

#include <tickwire/message_name.hpp>

namespace tickwire::detail {

/// A lock that needs no constructor to run; `std::mutex` does on some systems.
class ConstinitLock {
 public:
  void lock() noexcept {
    while (flag_.test_and_set(std::memory_order_acquire))
      flag_.wait(true, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag flag_;
};

/// A hash table of all entries. Its parts are constant-initialised, so that entries may link
/// themselves in before anything else of the library runs, and unlink after everything else.
/// Look-ups take no lock: a host makes one for every message.
class MessageRegistry {
 public:
  using Collision = std::optional<std::pair<std::string_view, std::string_view>>;

  static void add(MessageNode& node) noexcept {
    const std::scoped_lock lock(lock_);
    Link& first = bucket(node.id_);
    node.next_.store(first.load(std::memory_order_relaxed), std::memory_order_relaxed);
    first.store(&node, std::memory_order_release);
  }

  static void remove(MessageNode& node) noexcept {
    const std::scoped_lock lock(lock_);
    Link* link = &bucket(node.id_);
    while (link->load(std::memory_order_relaxed) != &node) {
      link = &link->load(std::memory_order_relaxed)->next_;
    }
    link->store(node.next_.load(std::memory_order_relaxed), std::memory_order_release);
  }

  static std::optional<std::string_view> find(std::uint32_t id) noexcept {
    const MessageNode* node = first_in(id);
    while (node != nullptr && node->id_ != id)
      node = after(*node);
    return node != nullptr ? std::optional(node->name_) : std::nullopt;
  }

  static Collision collision() noexcept {
    for (const Link& link : buckets_) {
      for (const MessageNode* one = link.load(std::memory_order_acquire); one != nullptr;
           one = after(*one)) {
        const MessageNode* other = after(*one);
        while (other != nullptr && (other->id_ != one->id_ || other->name_ == one->name_)) {
          other = after(*other);
        }
        if (other != nullptr) return std::pair(other->name_, one->name_);
      }
    }
    return std::nullopt;
  }

 private:
  using Link = std::atomic<MessageNode*>;

  static Link& bucket(std::uint32_t id) noexcept { return buckets_[id % buckets_.size()]; }
  static const MessageNode* first_in(std::uint32_t id) noexcept {
    return bucket(id).load(std::memory_order_acquire);
  }
  static const MessageNode* after(const MessageNode& node) noexcept {
    return node.next_.load(std::memory_order_acquire);
  }

  static constinit ConstinitLock lock_;
  static constinit std::array<Link, 256> buckets_;
};

constinit ConstinitLock MessageRegistry::lock_;
constinit std::array<MessageRegistry::Link, 256> MessageRegistry::buckets_{};

MessageNode::MessageNode(std::string_view name, std::uint32_t id) noexcept : name_(name), id_(id) {
  MessageRegistry::add(*this);
}

MessageNode::~MessageNode() {
  MessageRegistry::remove(*this);
}

std::optional<std::string_view> find_message_name(std::uint32_t id) noexcept {
  return MessageRegistry::find(id);
}

std::optional<std::pair<std::string_view, std::string_view>> name_collision() noexcept {
  return MessageRegistry::collision();
}

}  // namespace tickwire::detail
