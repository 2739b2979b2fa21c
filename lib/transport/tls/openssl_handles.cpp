// SPDX-License-Identifier: MIT
#include "lib/transport/tls/openssl_handles.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace tickwire::detail {

void OpensslFree::operator()(bio_st* object) const noexcept {
  BIO_free(object);
}
void OpensslFree::operator()(bio_method_st* object) const noexcept {
  BIO_meth_free(object);
}
void OpensslFree::operator()(evp_pkey_st* object) const noexcept {
  EVP_PKEY_free(object);
}
void OpensslFree::operator()(ssl_ctx_st* object) const noexcept {
  SSL_CTX_free(object);
}
void OpensslFree::operator()(ssl_session_st* object) const noexcept {
  SSL_SESSION_free(object);
}
void OpensslFree::operator()(ssl_st* object) const noexcept {
  SSL_free(object);
}
void OpensslFree::operator()(x509_st* object) const noexcept {
  X509_free(object);
}

CleanErrorQueue::CleanErrorQueue() noexcept {
  ERR_clear_error();
}
CleanErrorQueue::~CleanErrorQueue() {
  ERR_clear_error();
}

}  // namespace tickwire::detail
