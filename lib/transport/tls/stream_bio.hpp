// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/transport/stream/byte_stream.hpp"
#include "lib/transport/tls/openssl_handles.hpp"

namespace tickwire::detail {

/// What OpenSSL reads from and writes to: the stream below a session, and what it said last. Bytes
/// move between that stream and OpenSSL's own records without another copy, but for those that are
/// gathered.
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
  /// Where OpenSSL's records go meanwhile; null: straight to the stream below.
  std::vector<std::byte>* gathered = nullptr;
  /// Records that are to go to the stream below before anything else, and how much of them has
  /// gone.
  std::vector<std::byte> held;
  std::size_t held_gone = 0;

  /// `done` when nothing is held any more.
  [[nodiscard]] IoStatus write_held();
};

/// Null when there is no memory.
[[nodiscard]] OpensslPtr<bio_method_st> make_stream_bio_method();

/// Null when there is no memory. `link` must outlive it.
[[nodiscard]] OpensslPtr<bio_st> make_stream_bio(const bio_method_st& method, BelowLink& link);

}  // namespace tickwire::detail
