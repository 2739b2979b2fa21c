// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <tickwire/error.hpp>

#include "lib/transport/tls/openssl_handles.hpp"

namespace tickwire::detail {

/// Why the other end's certificate did not pass.
struct CertificateVerdict {
  int code = 0;   ///< X509's number; 0: nothing found wrong
  int depth = 0;  ///< 0: the certificate itself, above: one of its issuers'
  std::string subject;
  std::string issuer;
  std::string names;
  std::string not_before;
  std::string not_after;
};

[[nodiscard]] CertificateVerdict verdict_of(const x509_st* certificate, int code, int depth);

/// `called`: the name or address that this end demanded; may be empty.
[[nodiscard]] Error certificate_error(const CertificateVerdict& verdict, std::string_view called);

/// For what the other end said before it broke off: an alert of RFC 8446, section 6.
[[nodiscard]] Error alert_error(int alert);

/// For a number of OpenSSL's queue, an alert among them.
[[nodiscard]] Error library_error(unsigned long number);

/// OpenSSL's few words for a number of its queue.
[[nodiscard]] std::string reason_text(unsigned long number);

/// For a peer whose first bytes are none of TLS.
[[nodiscard]] Error not_tls_error(std::string_view first_bytes);

}  // namespace tickwire::detail
