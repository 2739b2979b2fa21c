// SPDX-License-Identifier: MIT
#include "ownership.hpp"

#include <algorithm>
#include <span>

namespace tickwire::detail {
namespace {

using Ties = std::span<const OwnershipTie>;

bool is_before(const OwnershipTie& tie, std::uint32_t owner) {
  return tie.owner < owner;
}

// Finds the rings among objects, and an order in which whatever an object owns comes before it,
// unless they are of one ring. Without recursion: how deep they lie is what is to be found out.
//
// Source: Tarjan, "Depth-first search and linear graph algorithms", 1972.
class Rings {
 public:
  // The ties are in the order of their owners; objects before `first` are no part of it.
  Rings(Ties ties, std::size_t first, std::size_t end)
      : ties_(ties), first_(first), seen_(end - first), low_(end - first) {
    order_.reserve(end - first);
    for (std::size_t object = first; object < end; ++object)
      if (seen_[object - first] == 0) look_from(static_cast<std::uint32_t>(object));
  }

  // Calls `take` with the objects of each ring, or with one that is on none.
  template <class F>
  [[nodiscard]] bool each(F&& take) const {
    std::size_t begin = 0;
    for (const std::uint32_t end : ends_) {
      if (!take(std::span(order_).subspan(begin, end - begin))) return false;
      begin = end;
    }
    return true;
  }
  // Pre: both are part of it.
  [[nodiscard]] bool are_on_one(std::uint32_t one, std::uint32_t other) const {
    return low_[one - first_] == low_[other - first_];
  }

 private:
  struct Step {
    std::uint32_t object;
    std::uint32_t next;  // of the ties
  };

  void look_from(std::uint32_t root) {
    enter(root);
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == ties_.size() || ties_[step.next].owner != step.object) {
        leave();
        continue;
      }
      const std::uint32_t owned = ties_[step.next++].owned;
      if (owned < first_) continue;
      if (seen_[owned - first_] == 0) {
        enter(owned);
      } else if (seen_[owned - first_] != kDone) {
        lower(step.object, low_[owned - first_]);
      }
    }
  }
  void enter(std::uint32_t object) {
    seen_[object - first_] = low_[object - first_] = ++count_;
    open_.push_back(object);
    const auto first = std::lower_bound(ties_.begin(), ties_.end(), object, is_before);
    path_.push_back({object, static_cast<std::uint32_t>(first - ties_.begin())});
  }
  void leave() {
    const std::uint32_t object = path_.back().object;
    path_.pop_back();
    const std::uint32_t low = low_[object - first_];
    if (!path_.empty()) lower(path_.back().object, low);
    if (low != seen_[object - first_]) return;
    std::uint32_t last = 0;
    do {
      last = open_.back();
      open_.pop_back();
      seen_[last - first_] = kDone;
      low_[last - first_] = low;
      order_.push_back(last);
    } while (last != object);
    ends_.push_back(static_cast<std::uint32_t>(order_.size()));
  }
  void lower(std::uint32_t object, std::uint32_t low) {
    low_[object - first_] = std::min(low_[object - first_], low);
  }

  static constexpr std::uint32_t kDone = 0xFFFFFFFF;

  Ties ties_;
  std::size_t first_;
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> seen_;  // as which one it was found; 0: not yet
  std::vector<std::uint32_t> low_;   // the first that can be reached; in the end, its ring's
  std::vector<std::uint32_t> open_;  // whose rings are not known yet
  std::vector<Step> path_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> ends_;  // of rings, in the order
};

}  // namespace

void Ownership::tie(std::size_t owner, std::size_t owned, std::uint32_t levels) {
  ties_.push_back({static_cast<std::uint32_t>(owner), static_cast<std::uint32_t>(owned), levels});
}

bool Ownership::may_settle(const std::vector<SharedObject>& objects,
                           const Moment& since) const noexcept {
  return std::none_of(ties_.begin() + static_cast<std::ptrdiff_t>(since.ties), ties_.end(),
                      [&](const OwnershipTie& tie) {
                        return tie.owner < since.objects && objects[tie.owner].complete;
                      });
}

// One pass over the ties, however they lie: what an object owns has its height before it.
bool Ownership::settle(std::vector<SharedObject>& objects, std::uint32_t max_depth,
                       const Moment& since) {
  std::vector<OwnershipTie> ties(ties_.begin() + static_cast<std::ptrdiff_t>(since.ties),
                                 ties_.end());
  std::sort(ties.begin(), ties.end(),
            [](const OwnershipTie& a, const OwnershipTie& b) { return a.owner < b.owner; });
  const Rings rings(ties, since.objects, objects.size());
  const auto settle_ring = [&](std::span<const std::uint32_t> ring) {
    std::uint32_t height = 0;
    for (const std::uint32_t owner : ring) {
      height = std::max(height, objects[owner].height);
      auto tie = std::lower_bound(ties.begin(), ties.end(), owner, is_before);
      for (; tie != ties.end() && tie->owner == owner; ++tie) {
        const bool is_within = tie->owned >= since.objects && rings.are_on_one(owner, tie->owned);
        if (!is_within) height = std::max(height, tie->levels + objects[tie->owned].height);
      }
    }
    for (const std::uint32_t owner : ring) {
      objects[owner].height = height;
      if (height > max_depth - objects[owner].depth) return false;
    }
    return true;
  };
  if (!rings.each(settle_ring)) return false;
  // Those from before are being read still: they tell their own owners when they are complete.
  for (const OwnershipTie& tie : ties) {
    if (tie.owner >= since.objects) break;
    SharedObject& owner = objects[tie.owner];
    owner.height = std::max(owner.height, tie.levels + objects[tie.owned].height);
    if (owner.height > max_depth - owner.depth) return false;
  }
  return true;
}

}  // namespace tickwire::detail
