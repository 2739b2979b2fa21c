// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tickwire/error.hpp>

namespace tickwire::detail {

/// Numeric addresses of a host, IPv4 and IPv6, best first.
using HostAddresses = Result<std::vector<std::string>>;

/// Whether the text is a numeric IPv4 or IPv6 address.
[[nodiscard]] bool is_numeric_host(const std::string& host);

/// Looks a name up on a thread of its own and calls `done` there, once. Nothing waits for it: a
/// name server may take minutes.
///
/// Errors: `name_not_resolved`, `out_of_resources` (too many look-ups under way); in `done`.
void resolve_host(std::string host, std::function<void(HostAddresses)> done);

}  // namespace tickwire::detail
