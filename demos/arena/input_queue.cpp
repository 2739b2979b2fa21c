// SPDX-License-Identifier: MIT
#include "demos/arena/input_queue.hpp"

#include <algorithm>

#include "demos/arena/messages.hpp"

namespace arena {

InputQueue::Counters& InputQueue::Counters::operator+=(const Counters& more) {
  taken += more.taken;
  missing += more.missing;
  refused += more.refused;
  return *this;
}

void InputQueue::restart() {
  waiting_.clear();
  newest_ = 0;
}

bool InputQueue::receive(const Inputs& inputs) {
  const std::size_t count = inputs.keys.size();
  if (count == 0 || count > inputs_per_packet || count > inputs.newest) return false;
  if (std::ranges::any_of(inputs.keys, [](Input keys) { return keys > all_keys; })) return false;
  auto number = static_cast<std::uint32_t>(inputs.newest - count);
  if (newest_ != 0 && number > newest_) counters_.missing += number - newest_;
  for (const Input keys : inputs.keys) {
    if (++number > newest_) waiting_.push_back({number, keys});
  }
  newest_ = std::max(newest_, inputs.newest);
  // Where a client is ahead of time, its oldest go: the newest say best what the player wants.
  while (waiting_.size() > most_at_once) {
    waiting_.pop_front();
    ++counters_.refused;
  }
  return true;
}

void InputQueue::take_due(PlayerId player, std::vector<PlayerInput>& into) {
  credit_ = std::min(credit_ + 1, most_at_once);
  for (; credit_ > 0 && !waiting_.empty(); --credit_) {
    into.push_back({player, waiting_.front().number, waiting_.front().keys});
    waiting_.pop_front();
    ++counters_.taken;
  }
}

}  // namespace arena
