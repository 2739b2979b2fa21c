// SPDX-License-Identifier: MIT
#include "demos/arena/interpolation.hpp"

#include <algorithm>
#include <iterator>

namespace arena {
namespace {

constexpr std::size_t most_kept = 32;  // a second of snapshots
constexpr tickwire::Duration leap = std::chrono::milliseconds(250);

tickwire::Duration time_of(std::uint32_t tick) {
  return tickwire::Duration(std::chrono::seconds(1)) * tick / ticks_per_second;
}

Vec between(Vec from, Vec to, float share) {
  return from + (to - from) * share;
}

}  // namespace

void Interpolation::restart() {
  snapshots_.clear();
  start_.reset();
  is_starved_ = false;
}

void Interpolation::add(const Snapshot& snapshot, tickwire::TimePoint now) {
  if (!snapshots_.empty()) {
    const std::uint32_t newest = snapshots_.back().tick;
    if (snapshot.tick <= newest) return;
    counters_.lost += (snapshot.tick - newest - 1) / ticks_per_snapshot;
  }
  ++counters_.received;
  snapshots_.push_back(snapshot);
  if (snapshots_.size() > most_kept) snapshots_.pop_front();
  follow_server_time(snapshot, now);
}

// The clocks of two machines drift apart, and snapshots are late by ever other times. One that is
// early is believed at once; late ones move the time a little each.
void Interpolation::follow_server_time(const Snapshot& snapshot, tickwire::TimePoint now) {
  const tickwire::TimePoint start = now - time_of(snapshot.tick);
  if (!start_ || start < *start_ || start - *start_ > leap) {
    start_ = start;
  } else {
    *start_ += (start - *start_) / 32;
  }
}

std::span<const Player> Interpolation::at(tickwire::TimePoint now) {
  if (snapshots_.empty()) return {};
  const tickwire::Duration shown_time = now - *start_ - behind;
  const auto later = std::ranges::find_if(
      snapshots_, [&](const Snapshot& each) { return time_of(each.tick) > shown_time; });
  const bool starves = later == snapshots_.end();
  if (starves && !is_starved_) ++counters_.starved;
  is_starved_ = starves;
  shown_ = starves ? snapshots_.back().players : later->players;
  if (starves || later == snapshots_.begin()) return shown_;
  const Snapshot& from = *std::prev(later);
  const float share = std::chrono::duration<float>(shown_time - time_of(from.tick)) /
                      std::chrono::duration<float>(time_of(later->tick) - time_of(from.tick));
  for (Player& player : shown_) {
    const auto before = std::ranges::find(from.players, player.id, &Player::id);
    if (before == from.players.end()) continue;
    player.body.position = between(before->body.position, player.body.position, share);
  }
  return shown_;
}

}  // namespace arena
