// SPDX-License-Identifier: MIT
#include <algorithm>
#include <tickwire/testing.hpp>

#include "lib/transport/memory/memory_core.hpp"

namespace tickwire {

ManualClock::~ManualClock() = default;

TimePoint ManualClock::now() const noexcept {
  return TimePoint(Duration(now_.load(std::memory_order_acquire)));
}

void ManualClock::advance(Duration by) noexcept {
  now_.fetch_add(std::max(by, Duration::zero()).count(), std::memory_order_acq_rel);
}

void ManualClock::advance_to(TimePoint moment) noexcept {
  const Duration::rep wanted = moment.time_since_epoch().count();
  Duration::rep current = now_.load(std::memory_order_acquire);
  while (current < wanted && !now_.compare_exchange_weak(current, wanted)) {
  }
}

MemoryNetwork::MemoryNetwork(std::uint64_t seed, const NetworkConditions& conditions)
    : core_(std::make_shared<detail::MemoryCore>(seed, conditions,
                                                 detail::MemoryCore::Kind::impaired)) {}

MemoryNetwork::~MemoryNetwork() = default;

void MemoryNetwork::set_conditions(const NetworkConditions& conditions) {
  const detail::Odds odds(conditions);
  core_->set_conditions(NetworkDirection::from_dialler, odds);
  core_->set_conditions(NetworkDirection::to_dialler, odds);
}

void MemoryNetwork::set_conditions(NetworkDirection direction,
                                   const NetworkConditions& conditions) {
  core_->set_conditions(direction, detail::Odds(conditions));
}

void MemoryNetwork::drop_everything(Duration time) {
  detail::check_time(time, "the time of MemoryNetwork::drop_everything");
  core_->drop_everything(time);
}

void MemoryNetwork::stall(Duration time) {
  detail::check_time(time, "the time of MemoryNetwork::stall");
  core_->stall(time);
}

void MemoryNetwork::sever_all() {
  core_->sever_all();
}

NetworkStats MemoryNetwork::stats() const {
  return core_->stats();
}

}  // namespace tickwire
