// SPDX-License-Identifier: MIT
#include "test/support/local_tls.hpp"

namespace tickwire::test {

const TlsConfig* local_tls() {
  return nullptr;
}

}  // namespace tickwire::test
