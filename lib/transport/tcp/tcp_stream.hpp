// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include "lib/platform/socket_errno.hpp"
#include "lib/platform/stream_socket.hpp"
#include "lib/transport/stream/byte_stream.hpp"

namespace tickwire::detail {

/// The bytes of a connected TCP socket as they are.
class TcpStream final : public ByteStream {
 public:
  explicit TcpStream(StreamSocket socket) noexcept : socket_(std::move(socket)) {}

  [[nodiscard]] IoStatus handshake() override { return IoStatus::done; }
  [[nodiscard]] IoResult read(std::span<std::byte> first, std::span<std::byte> second) override {
    return noted(socket_.read(first, second), Awaits::readable);
  }
  [[nodiscard]] IoResult write(std::span<const std::span<const std::byte>> pieces) override {
    const IoResult result = noted(socket_.write(pieces), Awaits::writable);
    taken_bytes_ += result.bytes;
    return result;
  }
  [[nodiscard]] IoStatus shut_down() override {
    socket_.shut_down();
    return IoStatus::done;
  }
  [[nodiscard]] std::uint64_t taken_bytes() const noexcept override { return taken_bytes_; }
  [[nodiscard]] Awaits awaits() const noexcept override { return awaits_; }
  [[nodiscard]] bool has_buffered_input() const noexcept override { return false; }
  [[nodiscard]] Error failure() const override { return socket_error(system_code_); }
  [[nodiscard]] std::string verified_subject() const override { return {}; }

 private:
  IoResult noted(const IoResult& result, Awaits awaits) noexcept {
    if (result.status == IoStatus::blocked) awaits_ = awaits;
    if (result.status == IoStatus::failed) system_code_ = result.system_code;
    return result;
  }

  StreamSocket socket_;
  std::uint64_t taken_bytes_ = 0;
  int system_code_ = 0;
  Awaits awaits_ = Awaits::readable;
};

}  // namespace tickwire::detail
