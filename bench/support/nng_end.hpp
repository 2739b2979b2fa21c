// SPDX-License-Identifier: MIT
#pragma once

#include <nng/nng.h>

#include <cstddef>
#include <span>
#include <string>

namespace bench {

/// Throws what nng says about a result that is not 0.
void demand_nng(int result, const std::string& call);

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

  void send(std::span<const std::byte> message);
  /// Blocks until there is one.
  ///
  /// Lifetime: until the next call.
  [[nodiscard]] std::span<const std::byte> receive();

 private:
  nng_socket socket_{};
  nng_msg* received_ = nullptr;
};

}  // namespace bench
