// SPDX-License-Identifier: MIT
#include "lib/transport/tls/certificate_text.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace tickwire::detail {
namespace {

constexpr std::size_t kMostTextBytes = 200;
constexpr int kMostNames = 4;

std::string contents(bio_st& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(&bio, &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::string name_text(const X509_NAME* name) {
  const OpensslPtr<bio_st> bio(BIO_new(BIO_s_mem()));
  // RFC 2253 as it is would write every letter beyond ASCII as an escape.
  constexpr unsigned long format = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
  if (!bio || name == nullptr || X509_NAME_print_ex(bio.get(), name, 0, format) < 0) return {};
  return contents(*bio);
}

std::string time_text(const ASN1_TIME* time) {
  const OpensslPtr<bio_st> bio(BIO_new(BIO_s_mem()));
  if (!bio || time == nullptr || ASN1_TIME_print(bio.get(), time) != 1) return "an unknown date";
  return contents(*bio);
}

std::string printable(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes.first(std::min(bytes.size(), kMostTextBytes)))
    text += byte > 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
  return text;
}

std::span<const unsigned char> bytes_of(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_text(std::span<const unsigned char> bytes) {
  std::string text;
  if (bytes.size() == 4) {
    for (const unsigned char byte : bytes)
      text += (text.empty() ? "" : ".") + std::to_string(byte);
    return text;
  }
  constexpr const char* digits = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size() && i < 16; ++i) {
    if (i > 0 && i % 2 == 0) text += ':';
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string one_name(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) return printable(bytes_of(name.d.dNSName));
  if (name.type == GEN_IPADD) return address_text(bytes_of(name.d.iPAddress));
  return {};
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

}  // namespace

std::string subject_text(const x509_st& certificate) {
  return name_text(X509_get_subject_name(&certificate));
}

std::string issuer_text(const x509_st& certificate) {
  return name_text(X509_get_issuer_name(&certificate));
}

std::string names_text(const x509_st& certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  int shown = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string name = one_name(*sk_GENERAL_NAME_value(names.get(), i));
    if (name.empty()) continue;
    if (++shown > kMostNames) return text + ", ...";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string not_before_text(const x509_st& certificate) {
  return time_text(X509_get0_notBefore(&certificate));
}

std::string not_after_text(const x509_st& certificate) {
  return time_text(X509_get0_notAfter(&certificate));
}

int date_verdict(const x509_st& certificate) {
  // A date that cannot be read compares as 0: neither before nor after.
  const int begin = X509_cmp_current_time(X509_get0_notBefore(&certificate));
  if (begin == 0) return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
  if (begin > 0) return X509_V_ERR_CERT_NOT_YET_VALID;
  const int end = X509_cmp_current_time(X509_get0_notAfter(&certificate));
  if (end == 0) return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
  return end < 0 ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

}  // namespace tickwire::detail
