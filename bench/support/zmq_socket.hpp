// SPDX-License-Identifier: MIT
#pragma once

#include <zmq.h>

#include <string>

namespace bench {

/// Throws what ZeroMQ says about the call that just failed.
void demand_zmq(bool worked, const std::string& call);

/// A ZeroMQ socket in a context of its own, whose thread reads and writes the connection.
///
/// Pre:      made after the fork: a context does not survive one.
/// Lifetime: destroying it waits until all that was sent has left.
class ZmqSocket {
 public:
  explicit ZmqSocket(int type);
  ~ZmqSocket();
  ZmqSocket(const ZmqSocket&) = delete;
  ZmqSocket& operator=(const ZmqSocket&) = delete;

  /// Listens at a free port of 127.0.0.1 and returns the address.
  [[nodiscard]] std::string bind();
  void connect(const std::string& address);
  [[nodiscard]] void* get() const noexcept { return socket_; }

 private:
  void* context_;
  void* socket_;
};

/// A received message, whose memory serves again for the next one.
class ZmqMessage {
 public:
  ZmqMessage() { zmq_msg_init(&message_); }
  ~ZmqMessage() { zmq_msg_close(&message_); }
  ZmqMessage(const ZmqMessage&) = delete;
  ZmqMessage& operator=(const ZmqMessage&) = delete;

  [[nodiscard]] zmq_msg_t* get() noexcept { return &message_; }

 private:
  zmq_msg_t message_;
};

}  // namespace bench
