// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <tickwire/address.hpp>
#include <tickwire/tls.hpp>

/// The command line's part of TLS, for `tls://` addresses.
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

/// A sentence about the TLS options that were given where no address is `tls://`: whoever gives
/// them believes that nobody listens along. Empty when there is nothing to say.
[[nodiscard]] inline std::string needless_tls_options(const CLI::App& app,
                                                      std::span<const std::string> urls) {
  for (const std::string& url : urls) {
    const auto address = tickwire::Address::parse(url);
    if (!address || address->scheme == "tls") return {};  // a wrong address is spoken of elsewhere
  }
  for (const char* name : {"--certificate", "--key", "--ca", "--pin", "--server-name"}) {
    const CLI::Option* option = app.get_option_no_throw(name);
    if (option == nullptr || option->count() == 0) continue;
    return std::string(name) + " is for tls:// addresses, and there is none; over " +
           urls.front().substr(0, urls.front().find(':')) + ":// anybody on the way can listen.";
  }
  return {};
}

}  // namespace voice
