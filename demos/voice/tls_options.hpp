// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <tickwire/tls.hpp>

/// The command line's part of TLS, for `tls://` addresses; without meaning for others.
namespace voice {

inline void add_server_tls_options(CLI::App& app, tickwire::TlsConfig& tls) {
  app.add_option("--certificate", tls.certificate_file,
                 "for tls://: this relay's certificate and its issuers, PEM");
  app.add_option("--key", tls.private_key_file, "for tls://: the certificate's private key, PEM");
}

inline void add_client_tls_options(CLI::App& app, tickwire::TlsConfig& tls) {
  app.add_option("--ca", tls.ca_file,
                 "for tls://: whose certificates to believe, PEM (default: the system's)");
  app.add_option("--pin", tls.pinned_certificate_file,
                 "for tls://: the one certificate that the relay must show, PEM");
  app.add_option("--server-name", tls.server_name,
                 "for tls://: the name in the relay's certificate (default: the address)");
}

}  // namespace voice
