// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// A socket of the operating system.
using SocketHandle = std::intptr_t;

/// What somebody wants to know of a socket.
enum class Interest : std::uint8_t { none = 0, readable = 1, writable = 2, both = 3 };

[[nodiscard]] constexpr Interest operator|(Interest a, Interest b) noexcept {
  return static_cast<Interest>(static_cast<int>(a) | static_cast<int>(b));
}

/// How often one hears of a socket that is ready.
enum class Trigger : std::uint8_t {
  level,  ///< in each wait, until what made it so is gone
  edge,   ///< once, and again when more has come; a system that knows no edges says it more often
};

/// What somebody who watches for edges has to do, now or later, to hear of the next one.
enum class Edge : std::uint8_t {
  bytes,  ///< read until less comes than there was room for, or write until it blocks
  end,    ///< read until it blocks or ends: behind the bytes is an end, a failure or urgent data
  guess,  ///< read once: it may have been ready; what is left then has an edge of its own
};

/// Sockets that one wait tells of at most; the others come with the next.
inline constexpr std::size_t kReadyPerWait = 256;

/// Hears that a socket is ready; also when it has failed, whatever was asked.
class PollTarget {
 public:
  /// Called from inside `Poller::wait`: takes note, and changes nothing of the poller's.
  virtual void on_ready(Edge edge) noexcept = 0;

 protected:
  ~PollTarget() = default;
};

/// Sleeps until one of many sockets is ready, somebody wakes it, or the time is up.
///
/// Thread: `wake` from any, and from a signal handler; the rest from one.
class Poller {
 public:
  virtual ~Poller() = default;

  /// Tells its targets of all sockets that are ready, and answers whether there was one, or a wake.
  /// One that came since the last wait ends it at once. The time is `std::chrono::steady_clock`'s;
  /// the latest there is means for ever, the earliest not to sleep.
  virtual bool wait_until(TimePoint until) = 0;
  /// No time-out: for ever.
  bool wait(std::optional<Duration> timeout);
  /// Tells those again that the last wait with a ready socket told of, without asking the system:
  /// for whoever spins, whom reading tells sooner. False when it has told nobody: they are too many
  /// to read for nothing, or the poller does not keep them.
  virtual bool guess() noexcept { return false; }
  virtual void wake() noexcept = 0;

 private:
  friend class Watch;
  /// From one interest to another; `none` is how it begins and ends. False: the system has no room.
  [[nodiscard]] virtual bool change(SocketHandle socket, Interest from, Interest to, Trigger,
                                    PollTarget& target) noexcept = 0;
};

/// One socket's place in a poller. With edges the system has less to look at: 0.2 us for each
/// message over TCP that comes alone.
///
/// Lifetime: ends before its socket and its target do.
class Watch {
 public:
  Watch() noexcept = default;
  Watch(Poller& poller, SocketHandle socket, PollTarget& target,
        Trigger trigger = Trigger::level) noexcept
      : poller_(&poller), socket_(socket), target_(&target), trigger_(trigger) {}
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch() { end(); }

  /// A change counts as an edge. False when the system has no room for it; nothing has changed
  /// then.
  [[nodiscard]] bool set(Interest interest) noexcept;
  [[nodiscard]] Interest interest() const noexcept { return interest_; }

 private:
  void end() noexcept;

  Poller* poller_ = nullptr;
  SocketHandle socket_ = -1;
  PollTarget* target_ = nullptr;
  Interest interest_ = Interest::none;
  Trigger trigger_ = Trigger::level;
};

/// The best poller of this system. Throws `std::bad_alloc` when it has no descriptor left.
[[nodiscard]] std::unique_ptr<Poller> make_poller();
/// One over `poll`, which looks at every socket in each wait: for systems with nothing better.
[[nodiscard]] std::unique_ptr<Poller> make_poll_poller();

}  // namespace tickwire::detail
