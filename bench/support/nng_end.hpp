// SPDX-License-Identifier: MIT
#pragma once

#include <nng/nng.h>

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>

namespace bench {

/// Throws what nng says about a result that is not 0.
void demand_nng(int result, const std::string& call);

struct FreeNngMessage {
  void operator()(nng_msg* message) const { nng_msg_free(message); }
};
using NngMessage = std::unique_ptr<nng_msg, FreeNngMessage>;

[[nodiscard]] inline std::span<std::byte> bytes_of(nng_msg& message) {
  return {static_cast<std::byte*>(nng_msg_body(&message)), nng_msg_len(&message)};
}

/// An nng socket, whose library's threads read and write the connection.
///
/// Pre:      made after the fork: the threads do not survive one.
/// Lifetime: destroying it drops what has not left.
class NngSocket {
 public:
  /// Takes one of nng's functions that open a socket.
  explicit NngSocket(int (*open)(nng_socket*));
  ~NngSocket();
  NngSocket(const NngSocket&) = delete;
  NngSocket& operator=(const NngSocket&) = delete;

  /// Listens at a free port of 127.0.0.1 and returns the address.
  [[nodiscard]] std::string listen();
  void dial(const std::string& address);
  /// How many messages wait to be sent, at most, while nobody waits for them.
  void queue_for_sending(int messages);

  void send(std::span<const std::byte> bytes);
  /// Sends a message on, unless there is no room for it, which throws.
  void send_now(NngMessage message);
  [[nodiscard]] nng_socket get() const noexcept { return socket_; }

 private:
  nng_socket socket_{};
};

/// Receives one message after the other, in a callback on a thread of nng's: that spares waking
/// another for each.
class NngReceiver {
 public:
  /// Says whether more messages are to come.
  using Take = std::function<bool(NngMessage)>;
  NngReceiver(NngSocket& socket, Take take);
  ~NngReceiver();
  NngReceiver(const NngReceiver&) = delete;
  NngReceiver& operator=(const NngReceiver&) = delete;

  /// Returns after the last message; throws what went wrong, in `take` too.
  void run();

 private:
  void received() noexcept;

  NngSocket& socket_;
  Take take_;
  nng_aio* aio_ = nullptr;
  std::promise<void> finished_;
};

}  // namespace bench
