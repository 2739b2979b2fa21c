// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace bench {

/// A certificate for 127.0.0.1 and its key, made anew in a temporary folder, and one TLS for all:
/// OpenSSL of this process and of its children offers and takes TLS 1.3 with
/// TLS_AES_128_GCM_SHA256 only, whichever peer uses it.
///
/// Pre: made before anything else of OpenSSL is used; it goes by the environment.
class TlsFiles {
 public:
  TlsFiles();
  /// Removes the folder. The process that made it does; its children do not.
  ~TlsFiles();
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  [[nodiscard]] std::string certificate() const { return folder_ + "/certificate.pem"; }
  [[nodiscard]] std::string private_key() const { return folder_ + "/key.pem"; }
  /// For the report.
  static constexpr const char* encryption = "TLS 1.3, TLS_AES_128_GCM_SHA256";

 private:
  std::string folder_;
};

}  // namespace bench
