// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tickwire/clock.hpp>
#include <tickwire/event.hpp>
#include <tickwire/export.hpp>
#include <tickwire/ticker.hpp>

namespace tickwire {

class Host;

/// What an extension does with an event.
enum class Disposition : std::uint8_t {
  pass,     ///< the next extension sees it, and in the end the program
  consume,  ///< nobody else does; a `disconnected` may be consumed as well
};

/// Adds a feature to a host without being in its way: sees every event before the program does, in
/// order, may consume it, and may raise its own by `Host::raise`.
///
/// Lifetime: attached to at most one host, see `Host::attach`; detaches itself when destroyed.
///           Extensions are asked in the order in which they were attached.
/// Thread:   the host's thread.
class TICKWIRE_API Extension {
 public:
  Extension() = default;
  virtual ~Extension();
  Extension(const Extension&) = delete;
  Extension& operator=(const Extension&) = delete;

  virtual void on_attach(Host&) {}
  /// The host is going, or `detach` was called. Its connections still answer.
  virtual void on_detach(Host&) {}
  virtual Disposition on_event(Host&, Event&) { return Disposition::pass; }
  /// After the program's own update hooks of the same tick.
  virtual void on_tick(Host&, const Tick&) {}
  /// Once per pass, before what is queued leaves.
  virtual void on_pass(Host&) {}
  /// When it wants another pass, at the latest. Asked before the host sleeps.
  [[nodiscard]] virtual TimePoint wake_at() const { return TimePoint::max(); }
  /// The program dials with a `ConnectOptions::login`, or the host does so again for it, and the
  /// connection is not up yet. The first extension that does not answer `not_supported` has it.
  virtual Result<void> on_login(Host&, Connection, const Login&) {
    return Error{ErrorCode::not_supported, 0, {}};
  }

 protected:
  /// The host that it is attached to, or null.
  [[nodiscard]] Host* host() const noexcept { return host_; }
  /// Leaves its host, if it has one. A class with an `on_detach` calls this in its destructor: by
  /// the time of the base's it is too late for that.
  void detach() noexcept;

 private:
  friend class Host;
  Host* host_ = nullptr;
};

}  // namespace tickwire
