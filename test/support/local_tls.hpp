// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/tls.hpp>

namespace tickwire::test {

/// With what hosts on this machine's loopback addresses may listen and dial over TLS, made once for
/// the process. Null in a build without TLS.
[[nodiscard]] const TlsConfig* local_tls();

}  // namespace tickwire::test
