// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>
#include <tickwire/event.hpp>
#include <tickwire/export.hpp>
#include <tickwire/ticker.hpp>

/// What tasks wait for; task.hpp has the tasks. Each of these is awaited at once, in a task:
/// `co_await receive<Move>(connection, 5s)`.
namespace tickwire {
namespace detail {

class TaskPromiseBase;
class TaskRoot;

/// Lets a spawned task go on with a part of itself; none: it is done.
TICKWIRE_API void go_on_with(TaskRoot& root, std::coroutine_handle<> part) noexcept;

/// One thing that a task waits for, and what came of it. Lives in the task while it waits.
struct TaskWait {
  enum class Kind : std::uint8_t { message, event, connected, sent, ticks, time };

  Kind kind = Kind::time;
  Connection connection{};
  MessageId message = 0;
  std::uint64_t ticks = 0;
  std::optional<Duration> timeout{};

  Error error{};  // code none: it has happened
  Event event{};
  Tick tick{};
};

/// False: it need not wait, the answer is there.
[[nodiscard]] TICKWIRE_API bool begin_wait(TaskRoot& root, TaskWait& wait,
                                           std::coroutine_handle<> part);

/// Neither an aggregate nor copied: gcc 12 goes wrong with such awaiters.
class WaitAwaiter {
 public:
  explicit WaitAwaiter(TaskWait::Kind kind, Connection connection,
                       std::optional<Duration> timeout) {
    wait_.kind = kind;
    wait_.connection = connection;
    wait_.timeout = timeout;
  }
  WaitAwaiter(const WaitAwaiter&) = delete;
  WaitAwaiter& operator=(const WaitAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <std::derived_from<TaskPromiseBase> Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> self) {
    return begin_wait(*self.promise().root, wait_, self);
  }

 protected:
  ~WaitAwaiter() = default;
  [[nodiscard]] bool has_failed() const noexcept { return wait_.error.code != ErrorCode::none; }

  TaskWait wait_;
};

class EventAwaiter final : public WaitAwaiter {
 public:
  EventAwaiter(Connection connection, std::optional<Duration> timeout)
      : WaitAwaiter(TaskWait::Kind::event, connection, timeout) {}
  [[nodiscard]] Result<Event> await_resume() {
    if (has_failed()) return std::move(wait_.error);
    return std::move(wait_.event);
  }
};

template <class T>
class ObjectAwaiter final : public WaitAwaiter {
 public:
  ObjectAwaiter(Connection connection, std::optional<Duration> timeout)
      : WaitAwaiter(TaskWait::Kind::message, connection, timeout) {}
  [[nodiscard]] Result<T> await_resume() {
    if (has_failed()) return std::move(wait_.error);
    return wait_.event.template as<T>();
  }
};

class BytesAwaiter final : public WaitAwaiter {
 public:
  BytesAwaiter(Connection connection, std::optional<Duration> timeout)
      : WaitAwaiter(TaskWait::Kind::message, connection, timeout) {}
  [[nodiscard]] Result<std::vector<std::byte>> await_resume() {
    if (has_failed()) return std::move(wait_.error);
    if (wait_.event.type != EventType::data_received) {
      return Error{ErrorCode::wrong_type, 0, "The message is an object, not bytes."};
    }
    const auto bytes = wait_.event.bytes();
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
};

class ConnectedAwaiter final : public WaitAwaiter {
 public:
  ConnectedAwaiter(Connection connection, std::optional<Duration> timeout)
      : WaitAwaiter(TaskWait::Kind::connected, connection, timeout) {}
  [[nodiscard]] Result<Connection> await_resume() {
    if (has_failed()) return std::move(wait_.error);
    return wait_.connection;
  }
};

class SentAwaiter final : public WaitAwaiter {
 public:
  SentAwaiter(Result<MessageId> message, std::optional<Duration> timeout)
      : WaitAwaiter(TaskWait::Kind::sent, Connection(), timeout) {
    if (message) {
      wait_.message = *message;
    } else {
      wait_.error = std::move(message).error();
    }
  }
  Result<Receipt> await_resume() {
    if (has_failed()) return std::move(wait_.error);
    return wait_.event.receipt;
  }
};

class TicksAwaiter final : public WaitAwaiter {
 public:
  TicksAwaiter(std::uint64_t count, std::optional<Duration> timeout)
      : WaitAwaiter(TaskWait::Kind::ticks, Connection(), timeout) {
    wait_.ticks = count;
  }
  Result<Tick> await_resume() {
    if (has_failed()) return std::move(wait_.error);
    return wait_.tick;
  }
};

class TimeAwaiter final : public WaitAwaiter {
 public:
  explicit TimeAwaiter(Duration time) : WaitAwaiter(TaskWait::Kind::time, Connection(), time) {}
  void await_resume() const noexcept {}
};

}  // namespace detail

/// Waits for the next object of a connection, which has to be a `T`. Needs codec.hpp.
///
/// Errors: those of `Event::as`, and the message is gone then; why the connection ended;
///         `not_connected`; `timed_out`.
template <class T>
[[nodiscard]] detail::ObjectAwaiter<T> receive(Connection connection,
                                               std::optional<Duration> timeout = {}) {
  return detail::ObjectAwaiter<T>(connection, timeout);
}

/// Waits for the next bytes of a connection. Errors as `receive`.
[[nodiscard]] inline detail::BytesAwaiter receive_bytes(Connection connection,
                                                        std::optional<Duration> timeout = {}) {
  return detail::BytesAwaiter(connection, timeout);
}

/// Waits for the next message of a connection, of any type, or its `writable`, `interrupted` or
/// `resumed`.
///
/// Errors: why the connection ended; `not_connected`; `timed_out`.
[[nodiscard]] inline detail::EventAwaiter next_event(Connection connection,
                                                     std::optional<Duration> timeout = {}) {
  return detail::EventAwaiter(connection, timeout);
}

/// Waits until a dialled connection is up.
///
/// Errors: why it did not come up; `not_connected`; `timed_out` (it goes on trying).
[[nodiscard]] inline detail::ConnectedAwaiter connected(Connection connection,
                                                        std::optional<Duration> timeout = {}) {
  return detail::ConnectedAwaiter(connection, timeout);
}

/// Waits for what becomes of a message: `co_await sent(connection.send(move))`. Of one for many, it
/// is the first receipt.
///
/// Pre:    awaited in the pass in which it was sent; a receipt that has been told comes no more.
/// Errors: that of the send; `not_supported` when `HostConfig::events` leaves `data_sent` out;
///         `timed_out`.
[[nodiscard]] inline detail::SentAwaiter sent(Result<MessageId> message,
                                              std::optional<Duration> timeout = {}) {
  return detail::SentAwaiter(std::move(message), timeout);
}

/// Waits for a number of ticks, at least one, and returns the last.
///
/// Errors: `not_supported` when the host has no ticks; `timed_out`.
[[nodiscard]] inline detail::TicksAwaiter ticks(std::uint64_t count,
                                                std::optional<Duration> timeout = {}) {
  return detail::TicksAwaiter(count, timeout);
}

/// Waits for a time to pass, by the host's clock; for the next pass at least.
[[nodiscard]] inline detail::TimeAwaiter sleep(Duration time) {
  return detail::TimeAwaiter(time);
}

}  // namespace tickwire
