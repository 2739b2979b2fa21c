// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/platform/stream_socket.hpp"
#include "lib/transport/stream/address_census.hpp"
#include "lib/transport/stream/read_block.hpp"
#include "lib/transport/stream/send_queue.hpp"
#include "lib/transport/tls/tls_session.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::detail {

class StreamConnection;

/// How packets are found in a stream.
enum class Framing : std::uint8_t {
  frames,  ///< each behind its length
  none,    ///< raw: the bytes as they come
};

/// What lies between the packets and the socket.
enum class Security : std::uint8_t { plain, tls };

/// What tells one stream transport from another.
struct StreamOptions {
  Framing framing = Framing::frames;
  Security security = Security::plain;
};

[[nodiscard]] constexpr const char* scheme_of(StreamOptions options) noexcept {
  if (options.framing == Framing::none) {
    return options.security == Security::tls ? "raw+tls" : "raw+tcp";
  }
  return options.security == Security::tls ? "tls" : "tcp";
}

/// What all connections of one stream transport share.
struct StreamShared {
  StreamShared(TransportContext given, StreamOptions chosen)
      : context(std::move(given)), options(chosen), block(*context.pool) {}

  TransportContext context;
  StreamOptions options;
  ReadBlock block;
  std::array<std::span<const std::byte>, SendQueue::kMaxPieces> pieces;  // of one write
  TransportCounters counters{};
  AddressCensus callers;  // where there is a limit
  // There is room in each for all connections, so that to enter one never fails.
  std::vector<StreamConnection*> ready;  // for the next `service`
  std::vector<StreamConnection*> dirty;  // for the next `flush`
  std::vector<StreamConnection*> timed;  // with a deadline, or until a moment ago
  std::size_t dead = 0;
  std::size_t handshakes_left = 0;  // steps of some work that this pass may still take
};

}  // namespace tickwire::detail
