// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "lib/transport/stream/byte_stream.hpp"

namespace tickwire::test {

/// One direction between two memory streams. Tests look into it, and change what it does.
struct MemoryPipe {
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  std::vector<std::byte> bytes;             ///< on their way
  std::size_t capacity_bytes = 256u << 10;  ///< above it, writing is blocked
  std::size_t most_per_write = no_limit;
  std::size_t most_per_read = no_limit;
  bool ended = false;           ///< nothing comes behind `bytes`; the reader sees a proper end
  bool cut = false;             ///< reading (behind `bytes`) and writing fail
  std::size_t total_bytes = 0;  ///< ever written
  std::size_t writes = 0;       ///< calls that moved something
  std::size_t reads = 0;
  std::size_t attempts_to_read = 0;
};

/// Two connected streams. One that is destroyed ends its outgoing pipe; who writes to it then
/// fails.
struct MemoryStreams {
  std::unique_ptr<detail::ByteStream> left;
  std::unique_ptr<detail::ByteStream> right;
  std::shared_ptr<MemoryPipe> to_left;
  std::shared_ptr<MemoryPipe> to_right;

  /// Both directions fail from now on; what is on its way still arrives.
  void cut();
};

[[nodiscard]] MemoryStreams make_memory_streams();

}  // namespace tickwire::test
