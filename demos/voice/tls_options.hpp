// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
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

[[nodiscard]] inline bool has_tls(std::span<const std::string> urls) {
  return std::any_of(urls.begin(), urls.end(),
                     [](const std::string& url) { return url.starts_with("tls://"); });
}

[[nodiscard]] inline bool is_given(const CLI::App& app, const char* name) {
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
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
    if (!is_given(app, name)) continue;
    return std::string(name) + " is for tls:// addresses, and there is none; over " +
           urls.front().substr(0, urls.front().find(':')) + ":// anybody on the way can listen.";
  }
  return {};
}

/// What stands in the way of the addresses, and of the TLS options beside them; empty: nothing.
[[nodiscard]] inline std::string address_objection(const CLI::App& app,
                                                   std::span<const std::string> urls) {
  for (const std::string& url : urls) {
    if (url.starts_with("raw+") || url.starts_with("memory:")) {
      return "The relay speaks enet://, tcp:// and tls://.";
    }
  }
  if (is_given(app, "--ca") && is_given(app, "--pin")) return "Give --ca or --pin, not both.";
  const bool is_server = app.get_option_no_throw("--certificate") != nullptr;
  if (is_server && has_tls(urls) && !(is_given(app, "--certificate") && is_given(app, "--key"))) {
    return "tls:// needs --certificate and --key.";
  }
  return needless_tls_options(app, urls);
}

}  // namespace voice
