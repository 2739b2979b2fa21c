// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>

#include "lib/base/io_result.hpp"
#include "lib/platform/poller.hpp"
#include "lib/platform/socket_address.hpp"
#include "lib/platform/stream_calls.hpp"

namespace tickwire::detail {

/// A TCP socket that never blocks: one that listens, or one end of a connection.
class StreamSocket {
 public:
  StreamSocket() noexcept = default;
  StreamSocket(StreamSocket&& other) noexcept : handle_(std::exchange(other.handle_, kNoSocket)) {}
  StreamSocket& operator=(StreamSocket&& other) noexcept;
  ~StreamSocket() { close(); }

  /// `::` takes IPv4 too. Errors: of the system.
  [[nodiscard]] static Result<StreamSocket> listen(const SocketAddress& address);
  /// Begins to connect; `connect_result` says how it went once the socket is writable.
  [[nodiscard]] static Result<StreamSocket> connect(const SocketAddress& address);

  [[nodiscard]] bool is_open() const noexcept { return handle_ != kNoSocket; }
  [[nodiscard]] SocketHandle handle() const noexcept { return handle_; }
  [[nodiscard]] SocketAddress local() const;

  /// `blocked`: nobody waits. `failed`: see `system_code`, and `is_out_of_resources`.
  [[nodiscard]] IoResult accept(StreamSocket& into, SocketAddress& from);
  /// 0 once it is connected; the error otherwise. One that has reached itself was refused.
  [[nodiscard]] int connect_result() const noexcept;

  [[nodiscard]] IoResult read(std::span<std::byte> first, std::span<std::byte> second) noexcept;
  [[nodiscard]] IoResult write(std::span<const std::span<const std::byte>> pieces) noexcept;
  void shut_down() noexcept;
  /// The system asks after a silent peer now and then, and gives it up when it does not answer.
  void watch_for_dead_peer() noexcept;
  void close() noexcept;

 private:
  explicit StreamSocket(SocketHandle handle) noexcept : handle_(handle) {}
  [[nodiscard]] static Result<StreamSocket> open(const SocketAddress& address);

  SocketHandle handle_ = kNoSocket;
};

/// What the system still holds of what a connected socket has taken.
struct SendBacklog {
  std::size_t bytes = 0;    ///< that the other end has not acknowledged
  Duration shortest_rtt{};  ///< to the other end's system, in the last minutes
};
/// Nothing where the system does not tell.
[[nodiscard]] std::optional<SendBacklog> send_backlog(SocketHandle socket) noexcept;

/// The other end shall see that the stream was cut, and not an end, once the socket is closed.
void reset_on_close(SocketHandle socket) noexcept;

/// The other end of a connected socket; empty when there is none any more.
[[nodiscard]] SocketAddress remote_address(SocketHandle socket);

}  // namespace tickwire::detail
