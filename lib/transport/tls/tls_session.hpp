// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <tickwire/error.hpp>
#include <tickwire/tls.hpp>

#include "lib/transport/stream/byte_stream.hpp"

namespace tickwire::detail {

/// Which end of a TLS session this is.
enum class TlsRole : std::uint8_t { dialler, acceptor };

/// What travels inside.
enum class TlsPayload : std::uint8_t {
  tickwire,  ///< both ends must speak `tickwire/1`, agreed by ALPN
  anything,  ///< raw streams: no ALPN is offered, and what a peer offers does not matter
};

/// Keys, certificates and rules, loaded from their files once for many sessions. The rest of the
/// library sees TLS through this class and `ByteStream` only; a build without OpenSSL has a stub.
///
/// Lifetime: sessions keep what they need of it.
/// Thread:   one at a time.
class TlsContext {
 public:
  virtual ~TlsContext() = default;

  /// Lays a session over a connected stream. Its `handshake` runs the TLS handshake.
  ///
  /// `host`: whom a dialler called, a name or a numeric address; not used by an acceptor. Sessions
  ///         to the same host and port (`resumption_key`) resume earlier ones of this context.
  [[nodiscard]] virtual std::unique_ptr<ByteStream> wrap(std::unique_ptr<ByteStream> below,
                                                         const std::string& host,
                                                         const std::string& resumption_key) = 0;
  /// Whether a session still lives.
  [[nodiscard]] virtual bool has_sessions() const noexcept = 0;
};

/// Errors: `file_unreadable`, `certificate_unusable`, `certificate_key_mismatch`,
///         `invalid_argument` (an acceptor without a certificate), `not_supported` (a build without
///         TLS); each detail names the field or the file.
[[nodiscard]] Result<std::shared_ptr<TlsContext>> make_tls_context(const TlsConfig& config,
                                                                   TlsRole role,
                                                                   TlsPayload payload);

}  // namespace tickwire::detail
