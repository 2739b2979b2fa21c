// SPDX-License-Identifier: MIT
#include "lib/host/listeners.hpp"

namespace tickwire::detail {

Subscription Listeners::add(EventMask types, std::uint32_t type_id, Function function) {
  entries_.push_back(
      {++last_id_, types, type_id, std::make_shared<const Function>(std::move(function))});
  return {weak_from_this(), last_id_};
}

void Listeners::remove(std::uint64_t id) noexcept {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->id != id) continue;
    if (dispatching_ > 0) {
      entry->id = 0;
      has_removed_ = true;
    } else {
      // It may own another subscription, which ends with it: the list must be whole by then.
      const Entry gone = std::move(*entry);
      entries_.erase(entry);
    }
    return;
  }
}

// A listener that throws must not leave the list locked.
class Listeners::Depth {
 public:
  explicit Depth(Listeners& listeners) noexcept : listeners_(listeners) {
    ++listeners_.dispatching_;
  }
  ~Depth() {
    if (--listeners_.dispatching_ == 0 && listeners_.has_removed_) listeners_.sweep();
  }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  Listeners& listeners_;
};

void Listeners::sweep() {
  has_removed_ = false;
  std::vector<Entry> gone;  // ends after the list is whole again, see `remove`
  for (Entry& entry : entries_) {
    if (entry.id == 0) gone.push_back(std::move(entry));
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.id == 0; });
}

void Listeners::dispatch(const Event& event) {
  const Depth depth(*this);
  // By index, and up to the present end: a listener may add others, which start with the next one.
  const std::size_t count = entries_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Entry& entry = entries_[i];
    if (entry.id == 0 || !entry.types.contains(event.type)) continue;
    if (entry.type_id != 0 && entry.type_id != event.type_id) continue;
    const auto function = entry.function;  // it may remove itself
    (*function)(event);
  }
}

}  // namespace tickwire::detail

namespace tickwire {

void Subscription::release() noexcept {
  if (const auto listeners = listeners_.lock()) listeners->remove(id_);
  listeners_.reset();
  id_ = 0;
}

}  // namespace tickwire
