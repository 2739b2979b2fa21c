// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <tickwire/error.hpp>

#include "lib/transport/tls/openssl_handles.hpp"

namespace tickwire::detail {

/// A file that a field of `TlsConfig` names.
struct NamedFile {
  const char* field;
  const std::string& path;
};

/// All certificates of a PEM file, at least one, in their order.
///
/// Errors: `file_unreadable`, `certificate_unusable`; the detail names field and file.
[[nodiscard]] Result<std::vector<OpensslPtr<x509_st>>> load_certificates(const NamedFile& file);

/// The first private key of a PEM file. Never asks for a passphrase: a key under one is unusable.
///
/// Errors: as above.
[[nodiscard]] Result<OpensslPtr<evp_pkey_st>> load_private_key(const NamedFile& file);

/// "TlsConfig::ca_file: "relay.pem" " and what is the matter with it.
[[nodiscard]] Error file_error(ErrorCode code, unsigned long number, const NamedFile& file,
                               const std::string& what);

}  // namespace tickwire::detail
