// SPDX-License-Identifier: MIT
#include "lib/transport/stream/frame_violation.hpp"

#include "lib/base/bytes.hpp"

namespace tickwire::detail {

Error violation_error(const std::array<std::byte, kFramePrefixBytes>& claim) {
  const auto text = as_text(claim);
  constexpr std::byte tls_major{3};
  if ((claim[0] == std::byte{0x15} || claim[0] == std::byte{0x16}) && claim[1] == tls_major) {
    return {ErrorCode::protocol_violation, 0,
            "The other end speaks TLS, and this end does not: it takes tls:// at both."};
  }
  if (text == "HTTP" || text == "GET " || text == "POST" || text == "HEAD") {
    return {ErrorCode::protocol_violation, 0, "The other end speaks HTTP, not Tickwire."};
  }
  return {ErrorCode::protocol_violation, 0,
          "The other end sent a length that no Tickwire peer sends."};
}

}  // namespace tickwire::detail
