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
  /// returns the time that ENet took down.
  template <class Call>
  void in_present(Call&& call) {
    std::shared_lock<std::shared_mutex> reading(gate_);
    const std::int64_t aligned_to = align(reading);
    remember(call(), aligned_to);
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
  std::int64_t align(std::shared_lock<std::shared_mutex>& reading);
  void adjust();
  void remember(std::uint32_t used_ms, std::int64_t aligned_to);

  [[nodiscard]] std::int64_t target() const;
  [[nodiscard]] bool leaps_to(std::int64_t ms) const;
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
