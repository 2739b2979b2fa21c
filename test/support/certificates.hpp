// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tickwire::test {

enum class CertificateDates : std::uint8_t { current, expired, not_yet_valid };
enum class CertificateUse : std::uint8_t { leaf, authority };

/// What a certificate shall say.
struct CertificateOrder {
  std::string common_name;
  std::string organization{};  ///< empty: none
  std::vector<std::string> dns_names{};
  std::vector<std::string> addresses{};  ///< numeric, IPv4 or IPv6
  std::string issuer{};                  ///< a name given to `issue` before; empty: itself
  CertificateDates dates = CertificateDates::current;
  CertificateUse use = CertificateUse::leaf;
};

/// Where a certificate and its key stand, as PEM.
struct CertificateFiles {
  std::string certificate_file;
  std::string private_key_file;
};

/// Certificates made on the fly, with new P-256 keys, in a temporary folder of their own.
///
/// Errors:   throws std::runtime_error where OpenSSL or the file system will not.
/// Lifetime: destroying it removes the folder.
class CertificateFolder {
 public:
  CertificateFolder();
  ~CertificateFolder();
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;

  /// `name` is that of the files, and the one to call it by as an issuer.
  CertificateFiles issue(const std::string& name, const CertificateOrder& order);

  /// A key that belongs to no certificate.
  [[nodiscard]] std::string other_key();
  /// The key of an issued certificate, under a passphrase.
  [[nodiscard]] std::string encrypted_key(const std::string& name);
  /// A file with these contents.
  [[nodiscard]] std::string write(const std::string& name, std::string_view contents) const;
  /// A file with the contents of these, one after the other.
  [[nodiscard]] std::string join(const std::string& name,
                                 const std::vector<std::string>& files) const;
  /// Where a file of this name is, or would be.
  [[nodiscard]] std::string path(const std::string& name) const;

 private:
  struct Issued;

  [[nodiscard]] const Issued& find(const std::string& name) const;

  std::filesystem::path folder_;
  std::vector<std::unique_ptr<Issued>> issued_;
};

}  // namespace tickwire::test
