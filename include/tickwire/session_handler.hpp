// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>

#include <tickwire/connection.hpp>
#include <tickwire/event.hpp>
#include <tickwire/export.hpp>
#include <tickwire/extension.hpp>
#include <tickwire/message_name.hpp>

namespace tickwire {

namespace detail {
class HandlerTable;
}

/// One connection's part of a program: derive from it and override what you want to know. What a
/// function of it throws becomes an `error` event of the host (`exception_thrown`), and the
/// connection stays.
///
/// Lifetime: made by the factory of `SessionHandlers`, destroyed after `on_close`. It may close its
///           own connection anywhere; `on_close` follows in a later pass.
/// Thread:   the host's thread.
class TICKWIRE_API SessionHandler {
 public:
  SessionHandler() = default;
  virtual ~SessionHandler();
  SessionHandler(const SessionHandler&) = delete;
  SessionHandler& operator=(const SessionHandler&) = delete;

  /// The first call; before it, `connection` is nobody.
  virtual void on_open() {}
  /// Once per tick of the host, from `on_open` to `on_close`.
  virtual void on_tick(const Tick&) {}
  /// An object that no `handle` function takes.
  virtual void on_object(const Event&) {}
  virtual void on_bytes(std::span<const std::byte>) {}
  virtual void on_sent(MessageId, Receipt) {}
  /// See `EventType::writable`.
  virtual void on_writable() {}
  /// The last call. The host's end is `closed_locally`.
  virtual void on_close(const Error&) {}

  [[nodiscard]] Connection connection() const noexcept { return connection_; }
  /// See the members of `Connection`. Needs codec.hpp.
  template <class T>
  Result<MessageId> send(const T& object, const SendOptions& options = kDefaultSendOptions) const {
    return connection_.send(object, options);
  }
  ErrorCode close(const CloseReason& reason = {}) const { return connection_.close(reason); }

 protected:
  /// Gives objects of a type a function of their own, in place of `on_object`; the last one given
  /// counts. One that does not decode becomes an `error` event of the host. Needs codec.hpp.
  template <class T, class Function>
  void handle(Function function) {
    add_function(message_type<T>, [function = std::move(function)](const Event& event) mutable {
      auto object = event.as<T>();
      if (!object) return Result<void>(std::move(object).error());
      function(*object);
      return Result<void>();
    });
  }
  /// The same for a member function: `handle(&Player::on_move)`.
  template <class Handler, class T>
  void handle(void (Handler::*function)(const T&)) {
    auto* const self = static_cast<Handler*>(this);
    handle<T>([self, function](const T& object) { (self->*function)(object); });
  }

 private:
  friend class detail::HandlerTable;
  using ObjectFunction = std::function<Result<void>(const Event&)>;
  void add_function(std::uint32_t type, ObjectFunction function);
  [[nodiscard]] Result<void> take_object(const Event& event);

  Connection connection_;
  std::unordered_map<std::uint32_t, std::shared_ptr<ObjectFunction>> functions_;
};

/// Makes a `SessionHandler` for each connection of its host that comes up from now on, and tells it
/// what happens. A handler's messages, receipts and `writable` are its own; other events go on to
/// the program.
///
/// Lifetime: owns the handlers. When it is destroyed, or its host, they are told `on_close` and
/// end.
class TICKWIRE_API SessionHandlers final : public Extension {
 public:
  /// Makes a connection's handler. Null: leaves the connection to the program.
  using Factory = std::function<std::unique_ptr<SessionHandler>(Connection)>;

  explicit SessionHandlers(Factory factory);
  ~SessionHandlers() override;

  /// A connection's handler, or null.
  [[nodiscard]] SessionHandler* find(Connection connection) const noexcept;
  [[nodiscard]] std::size_t count() const noexcept;

  void on_detach(Host& host) override;
  Disposition on_event(Host& host, Event& event) override;
  void on_tick(Host& host, const Tick& tick) override;

 private:
  std::shared_ptr<detail::HandlerTable> table_;
};

}  // namespace tickwire
