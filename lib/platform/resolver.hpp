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

/// How a name is looked up. It may take minutes.
using LookUp = std::function<HostAddresses(const std::string& host)>;

/// Looks a name up on another thread and calls `done` there, once. Nothing waits for it: a name
/// server may take minutes. A few are looked up at a time, the others in turn; where there is no
/// memory for the answer, there is none.
///
/// Errors: `name_not_resolved`, `out_of_resources` (no thread, or far too many wait); in `done`.
/// Thread: any.
void resolve_host(const std::string& host, const std::function<void(HostAddresses)>& done);

/// For tests: who is asked from now on. Nothing: the system, as in the beginning.
void replace_look_up(LookUp look_up);

}  // namespace tickwire::detail
