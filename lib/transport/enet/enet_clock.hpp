// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>

namespace tickwire::detail {

/// Leads ENet's clock, which is one number for the whole process and follows the wall clock, by a
/// `Clock` of ours. ENet's time starts at one hour, since 0 means "unset" to it.
///
/// Units:  milliseconds of ENet, which wrap after 49 days.
/// Thread: any; hosts on several threads share one.
class EnetClock {
 public:
  /// ENet's own two functions, or a test's.
  struct Hooks {
    std::uint32_t (*read)();
    void (*set)(std::uint32_t ms);
  };

  /// The clock of this process: made by the first caller, and gone with its last holder.
  ///
  /// Errors: `clock_mismatch` when it is led by another `Clock`.
  [[nodiscard]] static Result<std::shared_ptr<EnetClock>> share(const Clock& clock, Hooks hooks);

  EnetClock(const Clock& clock, Hooks hooks);

  /// Runs `call` while ENet's clock shows the present, and stays out of others' past. `call`
  /// returns the time that ENet took down. `now` is the clock's time, or was some while ago: it is
  /// asked again only if ENet's differs.
  template <class Call>
  void in_present(TimePoint now, Call&& call) {
    std::shared_lock<std::shared_mutex> reading(gate_);
    const std::int64_t aligned_to = align(reading, now);
    remember(call(), aligned_to);
  }
  template <class Call>
  void in_present(Call&& call) {
    in_present(clock_.now(), call);
  }
  /// The same right behind another such call: nobody has had the time to set a clock.
  template <class Call>
  void still_in_present(Call&& call) {
    const std::shared_lock<std::shared_mutex> reading(gate_);
    remember(call(), aligned_.load(std::memory_order_relaxed));
  }

  /// Runs `call` while ENet's clock shows `past_ms`; no other host of the process works meanwhile.
  template <class Call>
  void in_past(std::uint32_t past_ms, Call&& call) {
    const std::unique_lock<std::shared_mutex> alone(gate_);
    hooks_.set(past_ms);
    call();
    hooks_.set(present_ms(target()));
  }

 private:
  std::int64_t align(std::shared_lock<std::shared_mutex>& reading, TimePoint now);
  void adjust();
  void remember(std::uint32_t used_ms, std::int64_t aligned_to);

  [[nodiscard]] std::int64_t at(TimePoint now) const;
  [[nodiscard]] std::int64_t target() const { return at(clock_.now()); }
  [[nodiscard]] bool leaps_to(std::int64_t ms) const;
  [[nodiscard]] bool is_off(std::int64_t ms) const { return leaps_to(ms) || correction(ms); }
  [[nodiscard]] std::uint32_t present_ms(std::int64_t ms) const;
  [[nodiscard]] std::optional<std::uint32_t> correction(std::int64_t ms) const;

  const Clock& clock_;
  const Hooks hooks_;
  std::shared_mutex gate_;             // exclusive to turn ENet's clock, shared to rely on it
  TimePoint origin_;                   // when ENet's time was one hour
  std::atomic<std::int64_t> aligned_;  // the clock's time when last looked at, without wrapping
  std::atomic<std::uint32_t> latest_;  // the latest time that a host took down
};

}  // namespace tickwire::detail
