// SPDX-License-Identifier: MIT
#include "lib/transport/tls/tls_session.hpp"

namespace tickwire::detail {

Result<std::shared_ptr<TlsContext>> make_tls_context(const TlsConfig&, TlsRole, TlsPayload) {
  return Error{ErrorCode::not_supported, 0,
               "this build has no TLS (it was configured with -Dtls=disabled)"};
}

}  // namespace tickwire::detail
