// SPDX-License-Identifier: MIT
#include "lib/platform/segmented_send.hpp"

namespace tickwire::detail {

bool can_send_segmented(SocketHandle) noexcept {
  return false;
}

IoResult send_segmented(SocketHandle, Ipv4Endpoint, std::span<const std::byte>,
                        std::size_t) noexcept {
  return {IoStatus::failed, 0, 0};
}

}  // namespace tickwire::detail
