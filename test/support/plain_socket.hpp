// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tickwire/address.hpp>

namespace tickwire::test {

/// A numeric address as the system's calls like it.
struct PlainAddress {
  PlainAddress(const std::string& host, std::uint16_t port) {
    if (host.find(':') != std::string::npos) {
      auto& six = reinterpret_cast<sockaddr_in6&>(storage);
      six.sin6_family = AF_INET6;
      six.sin6_port = htons(port);
      REQUIRE(inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1);
      size = sizeof six;
    } else {
      auto& four = reinterpret_cast<sockaddr_in&>(storage);
      four.sin_family = AF_INET;
      four.sin_port = htons(port);
      REQUIRE(inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1);
      size = sizeof four;
    }
  }
  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// A TCP connection made by hand, for peers that do as they like. Only connecting waits: for the
/// kernel of the other end, not for its program.
class PlainSocket {
 public:
  explicit PlainSocket(int descriptor) : descriptor_(descriptor) {
    REQUIRE(descriptor_ >= 0);
    fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
  }
  /// A narrow path has small segments and little room at its end, as the wide world has: the
  /// kernel of the other end then buffers little.
  enum class Path { wide, narrow };
  explicit PlainSocket(const Address& to, Path path = Path::wide)
      : PlainSocket(to.host, to.port, path) {}
  PlainSocket(const std::string& host, std::uint16_t port, Path path = Path::wide)
      : PlainSocket(
            ::socket(host.find(':') != std::string::npos ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
    if (path == Path::narrow) {
      set_option(SOL_SOCKET, SO_RCVBUF, 16 * 1024);
      set_option(IPPROTO_TCP, TCP_MAXSEG, 536);
    }
    const PlainAddress there(host, port);
    REQUIRE(::connect(descriptor_, there.raw(), there.size) == 0);
  }
  PlainSocket(PlainSocket&& other) noexcept
      : received(std::move(other.received)),
        has_ended(other.has_ended),
        failure(other.failure),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  PlainSocket& operator=(PlainSocket&&) = delete;
  ~PlainSocket() { close(); }

  /// Takes in what has come so far, or as soon as it has that many bytes more.
  void read(std::size_t enough_bytes = SIZE_MAX) {
    char bytes[16 * 1024];
    const std::size_t before = received.size();
    while (!has_ended && failure == 0 && received.size() - before < enough_bytes) {
      const auto count = ::recv(descriptor_, bytes, sizeof bytes, MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count < 0) failure = errno;
      if (count == 0) has_ended = true;
      if (count > 0) received.append(bytes, static_cast<std::size_t>(count));
    }
  }
  /// Writes what goes now, and says how much that was.
  std::size_t write(std::string_view bytes) {
    const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  /// A byte that TCP holds to be urgent: a read ends in front of it.
  void write_urgent(char byte) { REQUIRE(::send(descriptor_, &byte, 1, MSG_OOB) == 1); }
  /// Says that nothing more comes; reading goes on.
  void shut_down() { ::shutdown(descriptor_, SHUT_WR); }
  /// Throws the connection away, without a goodbye.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  std::string received;
  bool has_ended = false;
  int failure = 0;

 private:
  void set_option(int level, int name, int value) {
    REQUIRE(::setsockopt(descriptor_, level, name, &value, sizeof value) == 0);
  }

  int descriptor_;
};

/// Waits for such connections at a port of its own.
class PlainListener {
 public:
  explicit PlainListener(const std::string& host = "127.0.0.1", int backlog = 16)
      : host_(host),
        descriptor_(
            ::socket(host.find(':') != std::string::npos ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
    const PlainAddress here(host, 0);
    REQUIRE(::bind(descriptor_, here.raw(), here.size) == 0);
    REQUIRE(::listen(descriptor_, backlog) == 0);
    fcntl(descriptor_, F_SETFL, O_NONBLOCK);
    fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
  }
  ~PlainListener() { close(); }
  PlainListener(const PlainListener&) = delete;
  PlainListener& operator=(const PlainListener&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    REQUIRE(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&own), &size) == 0);
    return ntohs(reinterpret_cast<const sockaddr_in&>(own).sin_port);  // the same place in both
  }
  [[nodiscard]] std::string url(const std::string& scheme) const {
    return Address{scheme, host_, port(), {}, {}}.to_string();
  }
  /// Nothing while nobody waits.
  [[nodiscard]] std::unique_ptr<PlainSocket> accept() {
    const int caller = ::accept(descriptor_, nullptr, nullptr);
    if (caller < 0) return nullptr;
    return std::make_unique<PlainSocket>(caller);
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  std::string host_;
  int descriptor_;
};

/// A port where nobody listens.
[[nodiscard]] inline std::uint16_t closed_port(const std::string& host = "127.0.0.1") {
  PlainListener listener(host);
  return listener.port();
}

}  // namespace tickwire::test
