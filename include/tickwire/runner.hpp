// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <tickwire/config.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/host.hpp>

namespace tickwire {

namespace detail {
class RunnerThread;
}

/// What a set-up leaves behind for as long as its host lives: subscriptions, extensions, whatever
/// the listeners use.
///
/// Lifetime: what it keeps is destroyed before the host, the last first.
/// Thread:   the runner's.
class TICKWIRE_API RunnerKeeper {
 public:
  RunnerKeeper() = default;
  ~RunnerKeeper();
  RunnerKeeper(const RunnerKeeper&) = delete;
  RunnerKeeper& operator=(const RunnerKeeper&) = delete;

  /// Makes a `T` that stays where it is, for what cannot be moved.
  template <class T, class... Arguments>
  T& make(Arguments&&... arguments) {
    auto kept = std::make_unique<Kept<T>>(std::forward<Arguments>(arguments)...);
    T& made = kept->value;
    add(std::move(kept));
    return made;
  }
  /// Takes something over, mostly a `Subscription`.
  template <class T>
  std::remove_cvref_t<T>& keep(T&& value) {
    return make<std::remove_cvref_t<T>>(std::forward<T>(value));
  }

 private:
  struct Anything {
    virtual ~Anything() = default;
    std::unique_ptr<Anything> before;
  };
  template <class T>
  struct Kept final : Anything {
    template <class... Arguments>
    explicit Kept(Arguments&&... arguments) : value(std::forward<Arguments>(arguments)...) {}
    T value;
  };
  void add(std::unique_ptr<Anything> kept);

  std::unique_ptr<Anything> last_;
};

/// A host on a thread of its own, for programs without a loop, or with one that must not wait.
/// Everything of the host happens on that thread: listeners, ticks, extensions and what is posted.
///
/// What a listener, an update hook or a posted function throws becomes an `error` event of the host
/// (`exception_thrown`), and the thread goes on; when a listener throws that is told of such an
/// error, the thread ends.
///
/// Lifetime: the destructor stops it. Not to be destroyed on its own thread.
/// Thread:   any, one at a time, but for `post`, `poster` and `is_running`, which may be called
/// from
///           several at once.
class TICKWIRE_API Runner {
 public:
  /// Makes the host on its new thread, calls `set_up(host)` or `set_up(host, keeper)` there, and
  /// returns when that is done, with the host running. `set_up` returns a `Result<void>`, or
  /// nothing.
  ///
  /// Errors: what `set_up` returns, or throws (`exception_thrown`); `invalid_argument` for a config
  ///         that the host refuses; `out_of_resources` when there is no thread to be had. The host
  ///         is gone again then.
  template <class SetUp>
  [[nodiscard]] static Result<Runner> start(HostConfig config, SetUp set_up) {
    const auto call = [&set_up](Host& host, RunnerKeeper& keeper) -> Result<void> {
      const auto with_both = [&] {
        if constexpr (std::is_invocable_v<SetUp&, Host&, RunnerKeeper&>) {
          return set_up(host, keeper);
        } else {
          return set_up(host);
        }
      };
      if constexpr (std::is_void_v<decltype(with_both())>) {
        with_both();
        return {};
      } else {
        return with_both();
      }
    };
    return start_with(std::move(config), call);
  }

  ~Runner();
  Runner(Runner&&) noexcept;
  Runner& operator=(Runner&&) noexcept;

  /// Runs a function on the host's thread, at its next pass. False once the host is gone; the
  /// function is then destroyed here, without being called.
  bool post(std::function<void(Host&)> function) const;
  [[nodiscard]] Poster poster() const;

  /// Closes all connections, waits for them to end, `Timeouts::linger` and a second at most, and
  /// ends the thread. On the runner's own thread it returns at once, and the thread ends after it.
  ///
  /// Errors: `exception_thrown` when that is what had ended the thread.
  Result<void> stop();
  /// Waits until the thread ends by itself, because somebody on it called `Host::stop`, or threw.
  /// The connections are closed as in `stop`.
  ///
  /// Errors: as `stop`; `reentrant_call` on the runner's own thread.
  Result<void> wait();
  /// Whether the thread still serves its host.
  [[nodiscard]] bool is_running() const noexcept;

 private:
  friend class detail::RunnerThread;
  using SetUpCall = std::function<Result<void>(Host&, RunnerKeeper&)>;
  [[nodiscard]] static Result<Runner> start_with(HostConfig config, const SetUpCall& set_up);
  explicit Runner(std::unique_ptr<detail::RunnerThread> thread) noexcept;

  std::unique_ptr<detail::RunnerThread> thread_;
};

}  // namespace tickwire
