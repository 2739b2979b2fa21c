// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "test/support/plain_socket.hpp"

namespace tickwire::test {

/// One direction of a `TlsProxy`.
struct TlsFlow {
  std::string waiting;  ///< read, not yet passed on
  std::size_t passed_bytes = 0;
  std::size_t limit_bytes = std::numeric_limits<std::size_t>::max();  ///< no more than this passes
};

/// Sits between two ends of a TCP connection, passes on what it is told to, and is stepped by hand.
class TlsProxy {
 public:
  explicit TlsProxy(const Address& server) : server_(server) {}

  [[nodiscard]] std::string url() const { return listener_.url("tls"); }

  void step() {
    if (!caller) {
      auto accepted = listener_.accept();
      if (!accepted) return;
      caller.emplace(std::move(*accepted));
      callee.emplace(server_.host, server_.port);
    }
    pass(*caller, *callee, to_server);
    pass(*callee, *caller, to_caller);
  }
  /// Ends both connections, with a FIN or with a reset.
  void end() {
    caller->shut_down();
    callee->shut_down();
  }
  void reset() {
    caller->reset();
    callee->reset();
  }

  std::optional<PlainSocket> caller;
  std::optional<PlainSocket> callee;
  TlsFlow to_server;
  TlsFlow to_caller;

 private:
  static void pass(PlainSocket& from, PlainSocket& to, TlsFlow& flow) {
    from.read();
    flow.waiting += from.received;
    from.received.clear();
    const std::size_t count = std::min(flow.waiting.size(), flow.limit_bytes - flow.passed_bytes);
    if (count == 0) return;
    const std::size_t written = to.write(std::string_view(flow.waiting).substr(0, count));
    flow.waiting.erase(0, written);
    flow.passed_bytes += written;
  }

  Address server_;
  PlainListener listener_;
};

}  // namespace tickwire::test
