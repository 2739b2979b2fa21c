// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <tickwire/event.hpp>
#include <tickwire/host.hpp>

#include "tls_files.hpp"

/// What Tickwire's programs share.
namespace bench {

/// The settings of both ends, without ticks; with TLS where there are files for it.
[[nodiscard]] tickwire::HostConfig host_config(const TlsFiles* files);

/// Whether an address of that scheme is encrypted.
[[nodiscard]] inline bool is_encrypted(std::string_view scheme) {
  return scheme == "tls";
}

/// How, in a report.
[[nodiscard]] inline std::string_view encryption_of(std::string_view scheme) {
  return is_encrypted(scheme) ? TlsFiles::encryption : "none";
}

/// Listens at a free port of 127.0.0.1 and returns the URL; throws when it cannot.
[[nodiscard]] std::string listen_on_loopback(tickwire::Host& host, std::string_view scheme);

/// Throws the error's sentence.
[[noreturn]] void throw_error(const tickwire::Error& error);

/// Throws when the connection ended, or never came up.
void expect_life(const tickwire::Event& event);

}  // namespace bench
