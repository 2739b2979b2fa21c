// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <tickwire/error.hpp>
#include <tickwire/tls.hpp>

#include "lib/transport/tls/openssl_handles.hpp"
#include "lib/transport/tls/session_cache.hpp"
#include "lib/transport/tls/tls_error.hpp"
#include "lib/transport/tls/tls_session.hpp"

namespace tickwire::detail {

/// What all sessions of a context share.
struct TlsParts {
  TlsRole role = TlsRole::dialler;
  TlsPayload payload = TlsPayload::tickwire;
  TlsConfig config;
  SessionCache sessions;
  OpensslPtr<x509_st> pinned;  ///< null without one
  OpensslPtr<bio_method_st> bio_method;
  OpensslPtr<ssl_ctx_st> context;
  std::vector<std::byte> gathered;  ///< empty but while one of them writes
};

/// What OpenSSL's callbacks say about one session. Its SSL points to it.
struct SessionNotes {
  std::shared_ptr<TlsParts> parts;
  std::string resumption_key;
  CertificateVerdict verdict;          ///< of a certificate that did not pass
  bool offers_no_application = false;  ///< an acceptor turned away who offers no ALPN
};

/// Errors: those of `make_tls_context`.
[[nodiscard]] Result<std::shared_ptr<TlsParts>> make_tls_parts(const TlsConfig& config,
                                                               TlsRole role, TlsPayload payload);

/// Whether both ends of a session have agreed on `tickwire/1`.
[[nodiscard]] bool speaks_tickwire(const ssl_st& ssl);

/// Tells OpenSSL to call back for what a configuration asks: trust, ALPN, sessions to keep.
///
/// Lifetime: `parts` must outlive its context's last session.
[[nodiscard]] Result<void> set_callbacks(TlsParts& parts);

}  // namespace tickwire::detail
