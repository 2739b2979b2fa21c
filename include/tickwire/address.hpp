// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tickwire/error.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

/// Where to listen or whom to call: `scheme://host:port/path?query`.
///
/// Shape: scheme in lower case; host an IPv4 address, an IPv6 address (in brackets in the text,
/// bare
///        here), or a name of at most 253 characters; port 0 to 65,535. Path
///        (with its slash) and query (without its question mark) are kept as they are.
struct Address {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  std::string path;
  std::string query;

  /// Reads the text form.
  ///
  /// Errors: `invalid_address`, with a sentence that names the part. Whether a transport speaks the
  ///         scheme is not asked here.
  [[nodiscard]] static TICKWIRE_API Result<Address> parse(std::string_view text);

  [[nodiscard]] TICKWIRE_API std::string to_string() const;

  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace tickwire
