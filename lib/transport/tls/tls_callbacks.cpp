// SPDX-License-Identifier: MIT
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <string_view>
#include <utility>

#include "lib/transport/tls/certificate_text.hpp"
#include "lib/transport/tls/tls_parts.hpp"

namespace tickwire::detail {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kOffer = "\x0atickwire/1"sv;  // as ALPN writes it: its length, the name
constexpr std::string_view kApplication = kOffer.substr(1);

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

SessionNotes& notes_of(const SSL* ssl) {
  return *static_cast<SessionNotes*>(SSL_get_app_data(ssl));
}

SSL* ssl_of(X509_STORE_CTX* store) {
  return static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

int verify_step(int passed, X509_STORE_CTX* store) {
  if (passed != 1) {
    notes_of(ssl_of(store)).verdict =
        verdict_of(X509_STORE_CTX_get_current_cert(store), X509_STORE_CTX_get_error(store),
                   X509_STORE_CTX_get_error_depth(store));
  }
  return passed;
}

int verify_pinned(X509_STORE_CTX* store, void*) {
  SessionNotes& notes = notes_of(ssl_of(store));
  const X509* shown = X509_STORE_CTX_get0_cert(store);
  int code = X509_V_ERR_CERT_REJECTED;
  if (shown != nullptr && X509_cmp(shown, notes.parts->pinned.get()) == 0)
    code = date_verdict(*shown);
  X509_STORE_CTX_set_error(store, code);
  if (code == X509_V_OK) return 1;
  notes.verdict = verdict_of(shown, code, 0);
  return 0;
}

int believe_anybody(X509_STORE_CTX*, void*) {
  return 1;
}

/// Asked first of all: OpenSSL calls `choose_application` only for those who offer something.
int check_hello(SSL* ssl, int* alert, void*) {
  const unsigned char* offer = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &offer,
                                &size) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  // A peer of TLS 1.2 is told about its version instead.
  const unsigned char* versions = nullptr;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &versions, &size) != 1)
    return SSL_CLIENT_HELLO_SUCCESS;
  notes_of(ssl).offers_no_application = true;
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

int choose_application(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                       const unsigned char* offer, unsigned offer_size, void*) {
  for (unsigned at = 0; at < offer_size; at += 1u + offer[at]) {
    const unsigned size = offer[at];
    if (size > offer_size - at - 1) break;
    if (std::string_view(reinterpret_cast<const char*>(offer) + at + 1, size) != kApplication)
      continue;
    *chosen = offer + at + 1;
    *chosen_size = static_cast<unsigned char>(size);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Answers 1: the session is ours from now on.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  SessionNotes& notes = notes_of(ssl);
  notes.parts->sessions.keep(notes.resumption_key, OpensslPtr<ssl_session_st>(session));
  return 1;
}

int verify_mode(const TlsParts& parts) {
  if (parts.role == TlsRole::dialler) {
    return parts.config.verify == TlsVerification::on ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
  }
  switch (parts.config.client_certificates) {
    case ClientCertificates::none:
      return SSL_VERIFY_NONE;
    case ClientCertificates::asked:
      return SSL_VERIFY_PEER;
    case ClientCertificates::required:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER;
}

}  // namespace

bool speaks_tickwire(const ssl_st& ssl) {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl, &chosen, &size);
  return std::string_view(reinterpret_cast<const char*>(chosen), size) == kApplication;
}

Result<void> set_callbacks(TlsParts& parts) {
  SSL_CTX* context = parts.context.get();
  SSL_CTX_set_verify(context, verify_mode(parts), verify_step);
  if (parts.config.verify == TlsVerification::off_anybody_may_answer) {
    SSL_CTX_set_cert_verify_callback(context, believe_anybody, nullptr);
  } else if (parts.pinned) {
    SSL_CTX_set_cert_verify_callback(context, verify_pinned, nullptr);
  }
  if (parts.role == TlsRole::dialler) SSL_CTX_sess_set_new_cb(context, keep_session);
  if (parts.payload == TlsPayload::anything) return {};
  if (parts.role == TlsRole::acceptor) {
    SSL_CTX_set_client_hello_cb(context, check_hello, nullptr);
    SSL_CTX_set_alpn_select_cb(context, choose_application, nullptr);
    return {};
  }
  // This one answers 0 for success.
  if (SSL_CTX_set_alpn_protos(context, bytes(kOffer), static_cast<unsigned>(kOffer.size())) == 0)
    return {};
  return Error{ErrorCode::out_of_resources, 0, "OpenSSL cannot set up ALPN"};
}

}  // namespace tickwire::detail
