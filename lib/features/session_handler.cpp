// SPDX-License-Identifier: MIT
#include <tickwire/session_handler.hpp>

#include <vector>

#include <tickwire/host.hpp>

#include "lib/features/exception_error.hpp"

namespace tickwire {
namespace detail {

/// The handlers of a host. A call into one may destroy whoever made the call, so a table is held
/// for as long as it is at work.
class HandlerTable {
 public:
  explicit HandlerTable(SessionHandlers::Factory factory) : factory_(std::move(factory)) {}

  Disposition on_event(Host& host, const Event& event) {
    if (event.type == EventType::connected) {
      open(host, event.connection);
      return Disposition::pass;
    }
    const auto found = handlers_.find(event.connection);
    if (found == handlers_.end()) return Disposition::pass;
    const std::shared_ptr<SessionHandler> handler = found->second;
    if (event.is_last) {
      handlers_.erase(found);
      guarded(host, "on_close", [&] { handler->on_close(event.error); });
      return Disposition::pass;
    }
    return tell(host, *handler, event);
  }

  void on_tick(Host& host, const Tick& tick) {
    // Handlers neither come nor go between events, unless all do.
    std::vector<std::shared_ptr<SessionHandler>> all;
    all.reserve(handlers_.size());
    for (const auto& each : handlers_)
      all.push_back(each.second);
    for (const auto& each : all) {
      if (handlers_.contains(each->connection_)) {
        guarded(host, "on_tick", [&] { each->on_tick(tick); });
      }
    }
  }

  void close_all(Host& host) {
    const Error error{ErrorCode::closed_locally, 0, {}};
    ++closings_;
    while (!handlers_.empty()) {
      const auto first = handlers_.extract(handlers_.begin());
      guarded(host, "on_close", [&] { first.mapped()->on_close(error); });
    }
  }

  [[nodiscard]] SessionHandler* find(Connection connection) const noexcept {
    const auto found = handlers_.find(connection);
    return found != handlers_.end() ? found->second.get() : nullptr;
  }
  [[nodiscard]] std::size_t count() const noexcept { return handlers_.size(); }

 private:
  void open(Host& host, Connection connection) {
    std::shared_ptr<SessionHandler> handler;
    const std::size_t closings = closings_;
    guarded(host, "The factory of session handlers", [&] { handler = factory_(connection); });
    if (!handler || closings_ != closings) return;
    handler->connection_ = connection;
    handlers_.insert_or_assign(connection, handler);
    guarded(host, "on_open", [&] { handler->on_open(); });
  }

  static Disposition tell(Host& host, SessionHandler& handler, const Event& event) {
    switch (event.type) {
      case EventType::object_received:
        guarded(host, "on_object", [&] {
          if (Result<void> taken = handler.take_object(event); !taken) {
            report(host, taken.error());
          }
        });
        return Disposition::consume;
      case EventType::data_received:
        guarded(host, "on_bytes", [&] { handler.on_bytes(event.bytes()); });
        return Disposition::consume;
      case EventType::data_sent:
        guarded(host, "on_sent", [&] { handler.on_sent(event.message_id, event.receipt); });
        return Disposition::consume;
      case EventType::writable:
        guarded(host, "on_writable", [&] { handler.on_writable(); });
        return Disposition::consume;
      default:
        return Disposition::pass;
    }
  }

  const SessionHandlers::Factory factory_;
  std::unordered_map<Connection, std::shared_ptr<SessionHandler>> handlers_;
  std::size_t closings_ = 0;  // a factory may bring one about
};

}  // namespace detail

SessionHandler::~SessionHandler() = default;

void SessionHandler::add_function(std::uint32_t type, ObjectFunction function) {
  functions_.insert_or_assign(type, std::make_shared<ObjectFunction>(std::move(function)));
}

Result<void> SessionHandler::take_object(const Event& event) {
  const auto found = functions_.find(event.type_id);
  if (found == functions_.end()) {
    on_object(event);
    return {};
  }
  const auto function = found->second;  // it may give another in its own place
  return (*function)(event);
}

SessionHandlers::SessionHandlers(Factory factory)
    : table_(std::make_shared<detail::HandlerTable>(std::move(factory))) {}

SessionHandlers::~SessionHandlers() {
  // Not left to the base: by then the handlers could not be told.
  detach();
}

SessionHandler* SessionHandlers::find(Connection connection) const noexcept {
  return table_->find(connection);
}

std::size_t SessionHandlers::count() const noexcept {
  return table_->count();
}

void SessionHandlers::on_detach(Host& host) {
  const auto table = table_;
  table->close_all(host);
}

Disposition SessionHandlers::on_event(Host& host, Event& event) {
  const auto table = table_;
  return table->on_event(host, event);
}

void SessionHandlers::on_tick(Host& host, const Tick& tick) {
  const auto table = table_;
  table->on_tick(host, tick);
}

}  // namespace tickwire
