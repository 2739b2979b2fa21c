// SPDX-License-Identifier: MIT
#include "lib/transport/tls/tls_error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "lib/transport/tls/certificate_text.hpp"

namespace tickwire::detail {
namespace {

/// As in "the other end's certificate (CN=relay)".
std::string whose(const CertificateVerdict& verdict) {
  return (verdict.depth == 0 ? "the other end's certificate ("
                             : "the certificate of an issuer of the other end's (") +
         verdict.subject + ")";
}

Error expired(const CertificateVerdict& verdict) {
  return {ErrorCode::certificate_expired, verdict.code,
          whose(verdict) + " has expired on " + verdict.not_after};
}

Error not_yet_valid(const CertificateVerdict& verdict) {
  return {ErrorCode::certificate_expired, verdict.code,
          whose(verdict) + " is not valid before " + verdict.not_before};
}

Error wrong_host(const CertificateVerdict& verdict, std::string_view called) {
  const std::string names = verdict.names.empty() ? "names no host" : "is for " + verdict.names;
  return {ErrorCode::certificate_wrong_host, verdict.code,
          whose(verdict) + " " + names + "; this end called \"" + std::string(called) + "\""};
}

Error untrusted(const CertificateVerdict& verdict, const std::string& why) {
  return {ErrorCode::certificate_untrusted, verdict.code, whose(verdict) + " " + why};
}

/// What an alert against this end's certificate says about it; empty for any other alert.
std::string certificate_complaint(int alert) {
  switch (alert) {
    case SSL_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_NO_CERTIFICATE:
      return "it wants a certificate, and this end has shown none";
    case SSL_AD_BAD_CERTIFICATE:
      return "it does not accept it (bad certificate)";
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return "it is not of a kind or for a use that the other end accepts";
    case SSL_AD_CERTIFICATE_REVOKED:
      return "it has been revoked";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "it has expired, or is not yet valid";
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return "it does not accept it (certificate unknown)";
    case SSL_AD_UNKNOWN_CA:
      return "it does not know its issuer";
    case SSL_AD_ACCESS_DENIED:
      return "it gives its bearer no access";
    default:
      return {};
  }
}

std::string alert_sentence(int alert) {
  switch (alert) {
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return "the other end does not speak the application protocol that this end offered (ALPN)";
    case SSL_AD_PROTOCOL_VERSION:
      return "the other end does not speak TLS 1.3";
    case SSL_AD_UNRECOGNIZED_NAME:
      return "the other end does not know the host name that this end called";
    case SSL_AD_BAD_RECORD_MAC:
      return "the other end got a TLS record that was changed on its way";
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_INSUFFICIENT_SECURITY:
      return "the other end found no TLS settings in common";
    default:
      return "the other end broke TLS off: " + std::string(SSL_alert_desc_string_long(alert));
  }
}

}  // namespace

CertificateVerdict verdict_of(const x509_st* certificate, int code, int depth) {
  CertificateVerdict verdict{code, depth, {}, {}, {}, {}, {}};
  if (certificate == nullptr) return verdict;
  verdict.subject = subject_text(*certificate);
  verdict.issuer = issuer_text(*certificate);
  verdict.names = names_text(*certificate);
  verdict.not_before = not_before_text(*certificate);
  verdict.not_after = not_after_text(*certificate);
  return verdict;
}

Error certificate_error(const CertificateVerdict& verdict, std::string_view called) {
  switch (verdict.code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return expired(verdict);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return not_yet_valid(verdict);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return wrong_host(verdict, called);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return untrusted(verdict, "is signed by itself and not one that this end believes");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return untrusted(verdict, "is issued by nobody whom this end believes (its issuer is " +
                                    verdict.issuer + ")");
    case X509_V_ERR_CERT_REJECTED:
      return untrusted(verdict, "is not the pinned one");
    default:
      return untrusted(verdict,
                       std::string("did not pass: ") + X509_verify_cert_error_string(verdict.code));
  }
}

Error alert_error(int alert) {
  const int number = static_cast<int>(ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + alert));
  const std::string complaint = certificate_complaint(alert);
  if (!complaint.empty()) {
    return {ErrorCode::certificate_rejected, number,
            "the other end turned this end's certificate down: " + complaint};
  }
  return {ErrorCode::tls_failed, number, alert_sentence(alert)};
}

std::string reason_text(unsigned long number) {
  if (const char* reason = ERR_reason_error_string(number)) return reason;
  return "OpenSSL's error " + std::to_string(number);
}

Error library_error(unsigned long number) {
  const int reason = ERR_GET_REASON(number);
  const bool is_ssl = ERR_GET_LIB(number) == ERR_LIB_SSL;
  if (is_ssl && reason > SSL_AD_REASON_OFFSET) return alert_error(reason - SSL_AD_REASON_OFFSET);
  const int shown = static_cast<int>(number & 0x7fffffffu);
  if (is_ssl) switch (reason) {
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return {ErrorCode::certificate_untrusted, shown,
                "the other end showed no certificate, and this end requires one"};
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_WRONG_SSL_VERSION:
      case SSL_R_WRONG_VERSION_NUMBER:
        return {ErrorCode::tls_failed, shown, "the other end does not speak TLS 1.3"};
      case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
        return {ErrorCode::tls_failed, shown, "a TLS record was changed on its way"};
      case SSL_R_NO_APPLICATION_PROTOCOL:
        return {ErrorCode::tls_failed, shown, "the other end does not offer tickwire/1 (ALPN)"};
      default:
        break;
    }
  return {ErrorCode::tls_failed, shown, "TLS failed: " + reason_text(number)};
}

Error not_tls_error(std::string_view first_bytes) {
  for (const std::string_view http : {"HTTP/", "GET ", "POST", "HEAD", "PUT ", "OPTIO"}) {
    if (first_bytes.substr(0, http.size()) == http)
      return {ErrorCode::not_tls, 0, "the other end speaks plain HTTP, not TLS"};
  }
  return {ErrorCode::not_tls, 0, "the other end speaks no TLS: its first bytes are none of TLS"};
}

}  // namespace tickwire::detail
