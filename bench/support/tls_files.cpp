// SPDX-License-Identifier: MIT
#include "tls_files.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace bench {
namespace {

constexpr const char* kSettings =
    "openssl_conf = start\n[start]\nssl_conf = ssl\n[ssl]\nsystem_default = everywhere\n"
    "[everywhere]\nMinProtocol = TLSv1.3\nCiphersuites = TLS_AES_128_GCM_SHA256\n";
constexpr long kDay = 24 * 60 * 60;

template <auto free>
struct Free {
  void operator()(auto* object) const { free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Free<std::fclose>>;

void demand(bool worked, const char* what) {
  if (!worked) throw std::runtime_error(std::string("OpenSSL cannot ") + what + ".");
}

void add_extension(X509& certificate, int kind, const char* value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
  demand(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1,
         "extend the certificate");
}

Certificate self_signed(EVP_PKEY& key) {
  Certificate certificate(X509_new());
  demand(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay) != nullptr &&
             X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDay) != nullptr &&
             X509_set_pubkey(certificate.get(), &key) == 1,
         "fill in a certificate");
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  const auto* const text = reinterpret_cast<const unsigned char*>("Tickwire benchmark");
  demand(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
             X509_set_issuer_name(certificate.get(), name) == 1,
         "name a certificate");
  add_extension(*certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(*certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  demand(X509_sign(certificate.get(), &key, EVP_sha256()) > 0, "sign a certificate");
  return certificate;
}

File open_to_write(const std::string& name) {
  File file(std::fopen(name.c_str(), "w"));
  if (!file) throw std::runtime_error(name + " cannot be written.");
  return file;
}

std::string make_folder() {
  std::string folder = (std::filesystem::temp_directory_path() / "tickwire-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr)
    throw std::runtime_error("No temporary folder can be made.");
  return folder;
}

}  // namespace

TlsFiles::TlsFiles() : folder_(make_folder()) {
  const std::string settings = folder_ + "/openssl.cnf";
  std::ofstream(settings) << kSettings;
  setenv("OPENSSL_CONF", settings.c_str(), 1);

  const Key key(EVP_EC_gen("P-256"));
  demand(key != nullptr, "make a key");
  const Certificate made = self_signed(*key);
  const File certificate_file = open_to_write(certificate());
  const File key_file = open_to_write(private_key());
  demand(PEM_write_X509(certificate_file.get(), made.get()) == 1 &&
             PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                  nullptr) == 1,
         "write the certificate");
}

TlsFiles::~TlsFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace bench
