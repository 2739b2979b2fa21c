// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_clock.hpp"

#include <chrono>

namespace tickwire::detail {
namespace {

constexpr std::int64_t kHourMs = 60 * 60 * 1000;
constexpr std::int32_t kToleranceMs = 2;
// A time further ahead than a slow call explains is the wall clock having been set.
constexpr std::int32_t kSlowCallMs = 16;

// How far `a` is ahead of `b`, through the wrap.
std::int32_t ahead_ms(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}

}  // namespace

Result<std::shared_ptr<EnetClock>> EnetClock::share(const Clock& clock, Hooks hooks) {
  static std::mutex guard;
  static std::weak_ptr<EnetClock> current;
  const std::lock_guard<std::mutex> lock(guard);
  std::shared_ptr<EnetClock> shared = current.lock();
  if (shared == nullptr) {
    shared = std::make_shared<EnetClock>(clock, hooks);
    current = shared;
  } else if (&shared->clock_ != &clock) {
    return Error{ErrorCode::clock_mismatch, 0,
                 "Another host of this process uses enet:// with another clock; give both the "
                 "same one in HostConfig::clock."};
  }
  return shared;
}

EnetClock::EnetClock(const Clock& clock, Hooks hooks)
    : clock_(clock),
      hooks_(hooks),
      origin_(clock.now()),
      aligned_(kHourMs),
      latest_(static_cast<std::uint32_t>(kHourMs)) {
  hooks_.set(static_cast<std::uint32_t>(kHourMs));
}

std::int64_t EnetClock::align(std::shared_lock<std::shared_mutex>& reading, TimePoint now) {
  std::int64_t ms = at(now);
  if (is_off(ms)) ms = target();
  if (is_off(ms)) {
    reading.unlock();
    adjust();
    reading.lock();
    ms = target();
  }
  aligned_.store(ms, std::memory_order_relaxed);
  return ms;
}

void EnetClock::adjust() {
  const std::unique_lock<std::shared_mutex> alone(gate_);
  if (leaps_to(target())) {
    // ENet's comparisons break over steps of a day: the rest of a longer leap never happens.
    const std::int64_t leap = target() - aligned_.load(std::memory_order_relaxed);
    origin_ += std::chrono::milliseconds(leap - kHourMs);
  }
  if (const auto ms = correction(target())) hooks_.set(*ms);
}

// ENet's time by our clock, which does not wrap.
std::int64_t EnetClock::at(TimePoint now) const {
  return kHourMs + std::chrono::duration_cast<std::chrono::milliseconds>(now - origin_).count();
}

bool EnetClock::leaps_to(std::int64_t ms) const {
  return ms - aligned_.load(std::memory_order_relaxed) > kHourMs;
}

std::optional<std::uint32_t> EnetClock::correction(std::int64_t ms) const {
  const std::uint32_t shown = hooks_.read();
  const std::int32_t ahead = ahead_ms(shown, static_cast<std::uint32_t>(ms));
  if (ahead >= -kToleranceMs && ahead <= kToleranceMs) return std::nullopt;
  const std::uint32_t wanted = present_ms(ms);
  return shown == wanted ? std::nullopt : std::optional(wanted);
}

// ENet drops an acknowledgement of what it sent in its own future. So its clock is never turned
// back behind a time that was used, which under a clock that stands still may be a little ahead.
std::uint32_t EnetClock::present_ms(std::int64_t ms) const {
  const auto wrapped = static_cast<std::uint32_t>(ms);
  const std::uint32_t latest = latest_.load(std::memory_order_relaxed);
  return ahead_ms(latest, wrapped) > 0 ? latest : wrapped;
}

void EnetClock::remember(std::uint32_t used_ms, std::int64_t aligned_to) {
  if (ahead_ms(used_ms, present_ms(aligned_to)) > kSlowCallMs) return;
  std::uint32_t latest = latest_.load(std::memory_order_relaxed);
  while (ahead_ms(used_ms, latest) > 0 &&
         !latest_.compare_exchange_weak(latest, used_ms, std::memory_order_relaxed)) {
  }
}

}  // namespace tickwire::detail
