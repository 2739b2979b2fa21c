// SPDX-License-Identifier: MIT
#include "test/support/local_tls.hpp"

#include "test/support/certificates.hpp"

namespace tickwire::test {

const TlsConfig* local_tls() {
  static CertificateFolder folder;
  static const TlsConfig config = [] {
    const auto files = folder.issue(
        "local",
        {.common_name = "local", .dns_names = {"localhost"}, .addresses = {"127.0.0.1", "::1"}});
    TlsConfig made;
    made.certificate_file = files.certificate_file;
    made.private_key_file = files.private_key_file;
    made.ca_file = files.certificate_file;
    return made;
  }();
  return &config;
}

}  // namespace tickwire::test
