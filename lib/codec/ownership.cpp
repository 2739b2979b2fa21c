// SPDX-License-Identifier: MIT
#include "ownership.hpp"

#include <algorithm>

namespace tickwire::detail {

void Ownership::tie(std::size_t owner, std::size_t owned, std::uint32_t levels) {
  ties_.push_back({static_cast<std::uint32_t>(owner), static_cast<std::uint32_t>(owned), levels});
}

// One pass over the ties, however they lie: an object's height is known once that of all that it
// owns is.
bool Ownership::settle(std::vector<SharedObject>& objects, std::uint32_t max_depth) {
  std::sort(ties_.begin(), ties_.end(),
            [](const Tie& a, const Tie& b) { return a.owner < b.owner; });
  const auto raise = [&](const Tie& tie) {
    SharedObject& owner = objects[tie.owner];
    owner.height = std::max(owner.height, tie.levels + objects[tie.owned].height);
    return owner.height <= max_depth - owner.depth;
  };
  const auto begin_of = [&](std::uint32_t owner) {
    return std::lower_bound(ties_.begin(), ties_.end(), owner,
                            [](const Tie& tie, std::uint32_t of) { return tie.owner < of; });
  };
  const std::vector<std::uint32_t> order = owners_first(objects.size());
  for (auto each = order.rbegin(); each != order.rend(); ++each) {
    for (auto tie = begin_of(*each); tie != ties_.end() && tie->owner == *each; ++tie)
      if (!raise(*tie)) return false;
  }
  // Those from before are being read still: they tell their own owners when they are complete.
  for (auto tie = ties_.begin(); tie != ties_.end() && tie->owner < first_object_; ++tie)
    if (!raise(*tie)) return false;
  first_object_ = objects.size();
  ties_.clear();
  return true;
}

// The new objects that no ring owns, each behind all of its owners.
std::vector<std::uint32_t> Ownership::owners_first(std::size_t objects) const {
  std::vector<std::uint32_t> owners(objects - first_object_);
  const auto is_new = [&](const Tie& tie) {
    return tie.owner >= first_object_ && tie.owned >= first_object_;
  };
  for (const Tie& tie : ties_)
    if (is_new(tie)) ++owners[tie.owned - first_object_];
  std::vector<std::uint32_t> order;
  for (std::size_t i = 0; i < owners.size(); ++i)
    if (owners[i] == 0) order.push_back(static_cast<std::uint32_t>(first_object_ + i));
  for (std::size_t next = 0; next < order.size(); ++next) {
    const std::uint32_t owner = order[next];
    auto tie = std::lower_bound(ties_.begin(), ties_.end(), owner,
                                [](const Tie& a, std::uint32_t of) { return a.owner < of; });
    for (; tie != ties_.end() && tie->owner == owner; ++tie)
      if (is_new(*tie) && --owners[tie->owned - first_object_] == 0) order.push_back(tie->owned);
  }
  return order;
}

}  // namespace tickwire::detail
