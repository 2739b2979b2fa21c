// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "lib/transport/tls/openssl_handles.hpp"

namespace tickwire::detail {

/// "CN=relay,O=Example": the order and the escapes of RFC 2253, in UTF-8.
[[nodiscard]] std::string subject_text(const x509_st& certificate);
[[nodiscard]] std::string issuer_text(const x509_st& certificate);

/// The first few names and addresses that a certificate is for: "a.example, 10.0.0.1". Whatever a
/// stranger may have put there, it is printable and short.
[[nodiscard]] std::string names_text(const x509_st& certificate);

/// "Nov 21 07:00:00 2026 GMT".
[[nodiscard]] std::string not_before_text(const x509_st& certificate);
[[nodiscard]] std::string not_after_text(const x509_st& certificate);

/// Whether now lies within its dates: 0 (X509_V_OK), or X509's number for what is wrong.
[[nodiscard]] int date_verdict(const x509_st& certificate);

}  // namespace tickwire::detail
