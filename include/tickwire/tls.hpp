// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace tickwire {

/// Whether an accepting end wants to see a certificate of those who call.
enum class ClientCertificates : std::uint8_t {
  none,
  asked,     ///< one that is shown must be valid; none is fine
  required,  ///< nobody comes in without a valid one
};

/// Whether the other end of a TLS connection has to prove who it is.
enum class TlsVerification : std::uint8_t {
  on,
  /// Whoever sits between the two ends can read and change everything. For trials only; each use is
  /// logged as a warning.
  off_anybody_may_answer,
};

/// Who this end is under TLS, and whom it believes. TLS 1.3 only; files are PEM.
///
/// Errors: what is wrong with a file is said by the `listen` or `connect` that uses it, with the
///         file's name: `file_unreadable`, `certificate_unusable`, `certificate_key_mismatch`.
///         `invalid_argument` when no certificate is there to listen with or to go with the private
///         key, or when `ca_file` and `pinned_certificate_file` are both set. `not_supported` in a
///         build without TLS.
struct TlsConfig {
  /// This end's certificate, followed by those of its issuers. Needed to listen; shown by a dialler
  /// when the other end asks for it.
  std::string certificate_file{};
  std::string private_key_file{};  ///< of the certificate; empty: it is in `certificate_file`
  /// Certificates whose bearers, and whatever they have signed, are believed. Empty: the system's.
  /// Not beside `pinned_certificate_file`.
  std::string ca_file{};
  /// The one certificate that the other end must show. Its issuer and its name do not matter then;
  /// its dates do.
  std::string pinned_certificate_file{};
  /// The name or numeric address that a dialler demands in the other end's certificate. Empty: the
  /// host of the URL.
  std::string server_name{};
  ClientCertificates client_certificates = ClientCertificates::none;  ///< for listening
  TlsVerification verify = TlsVerification::on;

  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

}  // namespace tickwire
