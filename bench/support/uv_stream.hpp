// SPDX-License-Identifier: MIT
#pragma once

#include <uv.h>

#include <functional>
#include <span>
#include <string>

#include "socket.hpp"

namespace bench {

/// Throws what libuv says about a status below 0.
void demand_uv(int status, const std::string& call);

/// A connected socket on a libuv loop of its own.
///
/// Lifetime: destroying it closes the socket and the loop.
class UvStream {
 public:
  explicit UvStream(Socket socket);
  ~UvStream();
  UvStream(const UvStream&) = delete;
  UvStream& operator=(const UvStream&) = delete;

  /// Where the next bytes go.
  using Space = std::function<std::span<std::byte>()>;
  /// Bytes have come: what throws in it ends the loop, and is thrown by `run`.
  using Received = std::function<void(std::size_t)>;
  void read(Space space, Received received);

  /// Writes bytes that stay where they are until `written` is called; one write at a time.
  void write(std::span<const std::byte> bytes, std::function<void()> written);
  /// Writes a few bytes for which there is room, without a request.
  void write_now(std::span<const std::byte> bytes);

  /// Runs the loop until `stop`; throws when the stream ended before.
  void run(bool spins = false);
  void stop();

 private:
  void guard(const std::function<void()>& function) noexcept;

  uv_loop_t loop_{};
  uv_tcp_t tcp_{};
  uv_write_t request_{};
  Space space_;
  Received received_;
  std::function<void()> written_;
  std::string problem_;
  bool stopped_ = false;
};

}  // namespace bench
