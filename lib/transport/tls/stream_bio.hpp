// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/transport/stream/byte_stream.hpp"
#include "lib/transport/tls/openssl_handles.hpp"

namespace tickwire::detail {

/// What OpenSSL reads from and writes to: the stream below a session, and what it said last. Bytes
/// move between that stream and OpenSSL's own records without another copy.
struct BelowLink {
  std::unique_ptr<ByteStream> below;
  bool blocked = false;  ///< of the last call; the owner sets it back before one
  bool ended = false;    ///< the stream ended, with or without a goodbye of TLS'
  bool failed = false;
  bool not_tls = false;  ///< the first bytes are none of TLS, so OpenSSL never saw them
  Awaits awaits = Awaits::readable;
  std::size_t allowance_bytes = 0;  ///< what OpenSSL may still read; the owner sets it for a call
  std::array<char, 5> first_bytes{};
  std::size_t first_count = 0;  ///< bytes in `first_bytes`
};

/// Null when there is no memory.
[[nodiscard]] OpensslPtr<bio_method_st> make_stream_bio_method();

/// Null when there is no memory. `link` must outlive it.
[[nodiscard]] OpensslPtr<bio_st> make_stream_bio(const bio_method_st& method, BelowLink& link);

}  // namespace tickwire::detail
