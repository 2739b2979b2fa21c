// SPDX-License-Identifier: MIT
#include "test/support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <utility>

namespace tickwire::test {
namespace {

struct Free {
  void operator()(EVP_PKEY* object) const noexcept { EVP_PKEY_free(object); }
  void operator()(X509* object) const noexcept { X509_free(object); }
  void operator()(BIO* object) const noexcept { BIO_free(object); }
  void operator()(X509_EXTENSION* object) const noexcept { X509_EXTENSION_free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Bio = std::unique_ptr<BIO, Free>;

void demand(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("certificates for tests: ") + what);
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  demand(key != nullptr, "no key");
  return key;
}

std::string contents(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  demand(PEM_write_bio_X509(bio.get(), certificate) == 1, "a certificate cannot be written");
  return contents(bio.get());
}

std::string pem(EVP_PKEY* key, const char* passphrase) {
  const Bio bio(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = passphrase != nullptr ? EVP_aes_128_cbc() : nullptr;
  demand(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, passphrase,
                                       passphrase != nullptr ? 4 : 0, nullptr, nullptr) == 1,
         "a key cannot be written");
  return contents(bio.get());
}

void add_part(X509_NAME* name, const char* kind, const std::string& value) {
  if (value.empty()) return;
  demand(X509_NAME_add_entry_by_txt(name, kind, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1,
         "a name cannot be used");
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  demand(extension && X509_add_ext(certificate, extension.get(), -1) == 1,
         "an extension cannot be used");
}

void set_dates(X509* certificate, CertificateDates dates) {
  constexpr long day = 24L * 60 * 60;
  long begin = -day;
  if (dates == CertificateDates::expired) begin = -30 * day;
  if (dates == CertificateDates::not_yet_valid) begin = 10 * day;
  X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
  X509_gmtime_adj(X509_getm_notAfter(certificate), begin + 20 * day);
}

void set_contents(X509* certificate, const CertificateOrder& order) {
  demand(X509_set_version(certificate, X509_VERSION_3) == 1, "no version");
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
  set_dates(certificate, order.dates);
  add_part(X509_get_subject_name(certificate), "O", order.organization);
  add_part(X509_get_subject_name(certificate), "CN", order.common_name);
  const bool authority = order.use == CertificateUse::authority;
  add_extension(certificate, NID_basic_constraints,
                authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  std::string names;
  for (const std::string& name : order.dns_names)
    names += (names.empty() ? "DNS:" : ",DNS:") + name;
  for (const std::string& address : order.addresses)
    names += (names.empty() ? "IP:" : ",IP:") + address;
  if (!names.empty()) add_extension(certificate, NID_subject_alt_name, names);
}

std::filesystem::path make_folder() {
  std::random_device random;
  const auto folder =
      std::filesystem::temp_directory_path() /
      ("tickwire-certificates-" + std::to_string(random()) + "-" + std::to_string(random()));
  demand(std::filesystem::create_directory(folder), "no temporary folder");
  return folder;
}

}  // namespace

struct CertificateFolder::Issued {
  std::string name;
  Key key;
  Certificate certificate;
};

CertificateFolder::CertificateFolder() : folder_(make_folder()) {}

CertificateFolder::~CertificateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

CertificateFiles CertificateFolder::issue(const std::string& name, const CertificateOrder& order) {
  auto issued = std::make_unique<Issued>(Issued{name, make_key(), Certificate(X509_new())});
  X509* certificate = issued->certificate.get();
  set_contents(certificate, order);
  const Issued& issuer = order.issuer.empty() ? *issued : find(order.issuer);
  demand(X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get())) == 1 &&
             X509_set_pubkey(certificate, issued->key.get()) == 1 &&
             X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0,
         "a certificate cannot be signed");
  CertificateFiles files{write(name + ".pem", pem(certificate)),
                         write(name + ".key", pem(issued->key.get(), nullptr))};
  issued_.push_back(std::move(issued));
  return files;
}

std::string CertificateFolder::other_key() {
  return write("other.key", pem(make_key().get(), nullptr));
}

std::string CertificateFolder::encrypted_key(const std::string& name) {
  return write(name + ".encrypted.key", pem(find(name).key.get(), "none"));
}

std::string CertificateFolder::write(const std::string& name, std::string_view text) const {
  std::ofstream file(folder_ / name, std::ios::binary);
  file << text;
  demand(static_cast<bool>(file.flush()), "a file cannot be written");
  return path(name);
}

std::string CertificateFolder::join(const std::string& name,
                                    const std::vector<std::string>& files) const {
  std::string text;
  for (const std::string& file : files) {
    std::ifstream part(file, std::ios::binary);
    text.append(std::istreambuf_iterator<char>(part), {});
  }
  return write(name, text);
}

std::string CertificateFolder::path(const std::string& name) const {
  return (folder_ / name).string();
}

const CertificateFolder::Issued& CertificateFolder::find(const std::string& name) const {
  for (const auto& issued : issued_) {
    if (issued->name == name) return *issued;
  }
  throw std::runtime_error("certificates for tests: nothing issued as " + name);
}

}  // namespace tickwire::test
