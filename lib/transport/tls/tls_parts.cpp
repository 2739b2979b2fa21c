// SPDX-License-Identifier: MIT
#include "lib/transport/tls/tls_parts.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/transport/tls/pem_files.hpp"
#include "lib/transport/tls/stream_bio.hpp"

namespace tickwire::detail {
namespace {

/// Nearly four full records, or many small ones, with one read of the stream below. OpenSSL gives
/// the buffer back while nothing is in it. For full records alone 17 to 96 KiB made no difference
/// (loopback TCP, an EPYC of 2 cores, OpenSSL 3.0).
constexpr std::size_t kReadBufferBytes = 64u << 10;

Error no_memory() {
  return {ErrorCode::out_of_resources, static_cast<int>(ERR_peek_error() & 0x7fffffffu),
          "OpenSSL cannot set up TLS: " + reason_text(ERR_peek_error())};
}

Error invalid(std::string sentence) {
  return {ErrorCode::invalid_argument, 0, std::move(sentence)};
}

Result<void> check(const TlsConfig& config, TlsRole role) {
  if (role == TlsRole::acceptor && config.certificate_file.empty())
    return invalid("TlsConfig::certificate_file is empty; who listens must have a certificate");
  if (!config.private_key_file.empty() && config.certificate_file.empty())
    return invalid("TlsConfig::certificate_file is empty, but private_key_file is not");
  if (!config.ca_file.empty() && !config.pinned_certificate_file.empty())
    return invalid("TlsConfig: either ca_file or pinned_certificate_file, not both");
  return {};
}

Result<void> set_settings(SSL_CTX& context, const TlsParts& parts) {
  SSL_CTX_clear_mode(&context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(&context, 1);
  SSL_CTX_set_default_read_buffer_len(&context, kReadBufferBytes);
  SSL_CTX_set_num_tickets(&context, 1);  // a dialler keeps one
  // A server's sessions are in the tickets; a dialler's are in ours.
  const long cache = parts.role == TlsRole::dialler
                         ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                         : SSL_SESS_CACHE_OFF;
  SSL_CTX_set_session_cache_mode(&context, cache);
  constexpr std::string_view name = "tickwire";
  // The fastest first: a third less work than 256 bits where the processor has AES instructions.
  constexpr const char* ciphers =
      "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
  const bool set =
      SSL_CTX_set_min_proto_version(&context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(&context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(&context, ciphers) == 1 &&
      SSL_CTX_set_session_id_context(&context, reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<unsigned>(name.size())) == 1;
  return set ? Result<void>() : no_memory();
}

Result<void> use_certificate(SSL_CTX& context, const TlsConfig& config) {
  if (config.certificate_file.empty()) return {};
  const NamedFile certificate_file{"certificate_file", config.certificate_file};
  const NamedFile key_file = config.private_key_file.empty()
                                 ? certificate_file
                                 : NamedFile{"private_key_file", config.private_key_file};
  auto chain = load_certificates(certificate_file);
  if (!chain) return std::move(chain).error();
  auto key = load_private_key(key_file);
  if (!key) return std::move(key).error();
  X509* own = chain->front().get();
  if (X509_check_private_key(own, key->get()) != 1) {
    return file_error(ErrorCode::certificate_key_mismatch, ERR_peek_last_error(), key_file,
                      "holds a key that belongs to another certificate than that of \"" +
                          certificate_file.path + "\"");
  }
  bool used = SSL_CTX_use_certificate(&context, own) == 1 &&
              SSL_CTX_use_PrivateKey(&context, key->get()) == 1;
  for (std::size_t i = 1; used && i < chain->size(); ++i)
    used = SSL_CTX_add1_chain_cert(&context, (*chain)[i].get()) == 1;
  if (used) return {};
  return file_error(ErrorCode::certificate_unusable, ERR_peek_error(), certificate_file,
                    "cannot be used: " + reason_text(ERR_peek_error()));
}

Result<void> use_system_store(SSL_CTX& context) {
  if (SSL_CTX_set_default_verify_paths(&context) == 1) return {};
  return no_memory();
}

/// Loads whom this end believes. The rules of verifying are `set_callbacks`'.
Result<void> use_trust(TlsParts& parts) {
  const TlsConfig& config = parts.config;
  if (!config.pinned_certificate_file.empty()) {
    auto pinned = load_certificates({"pinned_certificate_file", config.pinned_certificate_file});
    if (!pinned) return std::move(pinned).error();
    parts.pinned = std::move(pinned->front());
    return {};
  }
  if (config.ca_file.empty()) return use_system_store(*parts.context);
  auto believed = load_certificates({"ca_file", config.ca_file});
  if (!believed) return std::move(believed).error();
  X509_STORE* store = SSL_CTX_get_cert_store(parts.context.get());
  for (const auto& certificate : *believed) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return no_memory();
  }
  // What stands in the file is believed as it is, whether or not it is an authority.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsParts>> make_tls_parts(const TlsConfig& config, TlsRole role,
                                                 TlsPayload payload) {
  const CleanErrorQueue clean;
  if (auto checked = check(config, role); !checked) return checked.error();
  auto parts = std::make_shared<TlsParts>();
  parts->role = role;
  parts->payload = payload;
  parts->config = config;
  parts->bio_method = make_stream_bio_method();
  parts->context.reset(
      SSL_CTX_new(role == TlsRole::dialler ? TLS_client_method() : TLS_server_method()));
  if (!parts->bio_method || !parts->context) return no_memory();
  if (auto set = set_settings(*parts->context, *parts); !set) return set.error();
  if (auto used = use_certificate(*parts->context, config); !used) return used.error();
  if (auto used = use_trust(*parts); !used) return used.error();
  if (auto set = set_callbacks(*parts); !set) return set.error();
  return parts;
}

}  // namespace tickwire::detail
