// SPDX-License-Identifier: MIT
#include "lib/platform/datagram_block.hpp"

namespace tickwire::detail {

IoResult send_datagram_block(SocketHandle, BlockReceiver, std::span<const std::byte>,
                             std::size_t) noexcept {
  return {IoStatus::failed, 0, 0};
}

}  // namespace tickwire::detail
