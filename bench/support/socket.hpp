// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

/// TCP over loopback for the peers that use the operating system alone. All throw
/// `std::system_error`.
namespace bench {

/// Throws what the last system call said, with its name.
[[noreturn]] void throw_system_error(std::string_view call);

/// A socket, or another descriptor; closed at the end.
class Socket {
 public:
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Hands the descriptor over to somebody else, who will close it.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// That port of 127.0.0.1.
[[nodiscard]] sockaddr_in loopback_address(std::uint16_t port);
/// A listening socket at a free port of 127.0.0.1.
[[nodiscard]] Socket listen_on_loopback();
[[nodiscard]] std::uint16_t port_of(const Socket& socket);
/// Blocks until somebody calls. TCP_NODELAY is set, as on the other end.
[[nodiscard]] Socket accept_one(const Socket& listener);
[[nodiscard]] Socket dial_loopback(std::uint16_t port);

/// Makes a socket non-blocking, and waits for it with epoll where it would have blocked.
class EpollStream {
 public:
  explicit EpollStream(Socket socket);

  /// Reads what is there, at least one byte; 0 at the end of the stream.
  [[nodiscard]] std::size_t read(std::span<std::byte> into);
  void write_all(std::span<const std::byte> bytes);

 private:
  void wait(std::uint32_t events);
  Socket socket_;
  Socket epoll_;
  std::uint32_t events_ = 0;
};

}  // namespace bench
