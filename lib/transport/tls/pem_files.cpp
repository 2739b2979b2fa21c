// SPDX-License-Identifier: MIT
#include "lib/transport/tls/pem_files.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "lib/transport/tls/tls_error.hpp"

namespace tickwire::detail {
namespace {

/// A store of all the world's authorities has a quarter of a megabyte.
constexpr std::size_t kMostFileBytes = 16u << 20;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

Error unreadable(const NamedFile& file, int number) {
  const std::string why =
      number != 0 ? std::generic_category().message(number) : "it cannot be read";
  return file_error(ErrorCode::file_unreadable, static_cast<unsigned long>(number), file,
                    "cannot be read: " + why);
}

Result<std::string> contents_of(const NamedFile& file) {
  errno = 0;
  const std::unique_ptr<std::FILE, CloseFile> open(std::fopen(file.path.c_str(), "rb"));
  if (!open) return unreadable(file, errno);
  std::string contents;
  std::string block(1u << 16, '\0');
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), open.get())) {
    contents.append(block, 0, count);
    if (contents.size() > kMostFileBytes) {
      return file_error(ErrorCode::certificate_unusable, 0, file,
                        "is too large to be one of certificates or keys");
    }
  }
  if (std::ferror(open.get()) != 0) return unreadable(file, errno);
  return contents;
}

/// Answers OpenSSL's question for a passphrase with no, and notes that it was asked.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

OpensslPtr<bio_st> reader_of(const std::string& contents) {
  return OpensslPtr<bio_st>(BIO_new_mem_buf(contents.data(), static_cast<int>(contents.size())));
}

Error no_certificate(const NamedFile& file, std::string_view contents, unsigned long number) {
  if (contents.empty())
    return file_error(ErrorCode::certificate_unusable, number, file, "is empty");
  const bool damaged = contents.find("-----BEGIN CERTIFICATE") != std::string_view::npos;
  return file_error(ErrorCode::certificate_unusable, number, file,
                    damaged ? "holds a damaged certificate: " + reason_text(number)
                            : "holds no certificate in PEM form");
}

Error no_key(const NamedFile& file, std::string_view contents, unsigned long number,
             bool asked_for_passphrase) {
  std::string what = "holds no private key in PEM form";
  if (contents.empty()) {
    what = "is empty";
  } else if (asked_for_passphrase) {
    what = "holds a private key under a passphrase; only one without can be used";
  } else if (contents.find("PRIVATE KEY-----") != std::string_view::npos) {
    what = "holds a damaged private key: " + reason_text(number);
  } else if (contents.find("-----BEGIN CERTIFICATE") != std::string_view::npos) {
    what = "holds a certificate, but no private key";
  }
  return file_error(ErrorCode::certificate_unusable, number, file, what);
}

}  // namespace

Error file_error(ErrorCode code, unsigned long number, const NamedFile& file,
                 const std::string& what) {
  return {code, static_cast<int>(number & 0x7fffffffu),
          std::string("TlsConfig::") + file.field + ": \"" + file.path + "\" " + what};
}

Result<std::vector<OpensslPtr<x509_st>>> load_certificates(const NamedFile& file) {
  const CleanErrorQueue clean;
  Result<std::string> contents = contents_of(file);
  if (!contents) return std::move(contents).error();
  const OpensslPtr<bio_st> reader = reader_of(*contents);
  std::vector<OpensslPtr<x509_st>> certificates;
  bool asked = false;
  while (reader) {
    OpensslPtr<x509_st> next(PEM_read_bio_X509(reader.get(), nullptr, refuse_passphrase, &asked));
    if (!next) break;
    certificates.push_back(std::move(next));
  }
  const unsigned long number = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(number) == ERR_LIB_PEM && ERR_GET_REASON(number) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !at_end) return no_certificate(file, *contents, number);
  return certificates;
}

Result<OpensslPtr<evp_pkey_st>> load_private_key(const NamedFile& file) {
  const CleanErrorQueue clean;
  Result<std::string> contents = contents_of(file);
  if (!contents) return std::move(contents).error();
  const OpensslPtr<bio_st> reader = reader_of(*contents);
  bool asked = false;
  OpensslPtr<evp_pkey_st> key;
  if (reader) key.reset(PEM_read_bio_PrivateKey(reader.get(), nullptr, refuse_passphrase, &asked));
  if (!key) return no_key(file, *contents, ERR_peek_last_error(), asked);
  return key;
}

}  // namespace tickwire::detail
