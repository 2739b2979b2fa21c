// SPDX-License-Identifier: MIT
#include "lib/features/accounts/scram.hpp"

#include <utility>

#include "lib/crypto/base64.hpp"
#include "lib/crypto/hmac.hpp"
#include "lib/crypto/secret.hpp"

namespace tickwire::detail {
namespace {

using crypto::hmac_sha256;
using crypto::Sha256Digest;

constexpr std::string_view kBindingType = "tls-exporter";

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

Sha256Digest exclusive_or(Sha256Digest a, std::span<const std::byte> b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] ^= b[i];
  return a;
}

std::string auth_message(std::string_view client_first_bare, std::string_view server_first,
                         std::string_view client_final_without_proof) {
  std::string text;
  text.append(client_first_bare).append(",").append(server_first).append(",");
  return text.append(client_final_without_proof);
}

std::vector<std::byte> bound_bytes(std::string_view header, std::span<const std::byte> binding) {
  const auto text = bytes_of(header);
  std::vector<std::byte> bytes(text.begin(), text.end());
  bytes.insert(bytes.end(), binding.begin(), binding.end());
  return bytes;
}

}  // namespace

ScramKeys make_scram_keys(std::span<const std::byte> password, std::vector<std::byte> salt,
                          std::uint32_t iterations) {
  Sha256Digest salted = crypto::pbkdf2_sha256(password, salt, iterations);
  const crypto::WipeAtEnd wipe_salted(salted);
  Sha256Digest client_key = hmac_sha256(salted, bytes_of("Client Key"));
  const crypto::WipeAtEnd wipe_client_key(client_key);
  return {std::move(salt), iterations, crypto::sha256(client_key),
          hmac_sha256(salted, bytes_of("Server Key"))};
}

ScramClient::ScramClient(std::string_view user, std::vector<std::byte> binding,
                         std::string_view nonce)
    : header_(binding.empty() ? "n,," : "p=" + std::string(kBindingType) + ",,"),
      bare_("n=" + escaped_user(user) + ",r=" + std::string(nonce)),
      bound_(bound_bytes(header_, binding)),
      nonce_(nonce) {}

std::optional<ScramClient::Challenge> ScramClient::read_first(std::string_view server_first) {
  auto parsed = parse_server_first(server_first);
  if (!parsed.message) return std::nullopt;
  ServerFirst& first = *parsed.message;
  // The server's own part makes a replay of its words impossible, ours one of ours.
  if (!first.nonce.starts_with(nonce_) || first.nonce.size() == nonce_.size()) return std::nullopt;
  nonce_ = std::move(first.nonce);
  server_first_ = server_first;
  return Challenge{std::move(first.salt), first.iterations};
}

std::string ScramClient::final(const Sha256Digest& salted_password) {
  const std::string without_proof = "c=" + crypto::to_base64(bound_) + ",r=" + nonce_;
  const std::string message = auth_message(bare_, server_first_, without_proof);
  Sha256Digest client_key = hmac_sha256(salted_password, bytes_of("Client Key"));
  const crypto::WipeAtEnd wipe_client_key(client_key);
  Sha256Digest server_key = hmac_sha256(salted_password, bytes_of("Server Key"));
  const crypto::WipeAtEnd wipe_server_key(server_key);
  const Sha256Digest signature = hmac_sha256(crypto::sha256(client_key), bytes_of(message));
  server_signature_ = hmac_sha256(server_key, bytes_of(message));
  return without_proof + ",p=" + crypto::to_base64(exclusive_or(client_key, signature));
}

ScramClient::Verdict ScramClient::read_final(std::string_view server_final) {
  auto parsed = parse_server_final(server_final);
  if (!parsed.message) return Verdict::malformed;
  if (!parsed.message->error.empty()) {
    refusal_ = std::move(parsed.message->error);
    return Verdict::refused;
  }
  const bool is_proven =
      crypto::equal_in_constant_time(parsed.message->signature, server_signature_);
  return is_proven ? Verdict::proven : Verdict::not_proven;
}

std::string_view ScramServer::read_first(std::string_view client_first) {
  auto parsed = parse_client_first(client_first);
  if (!parsed.message) return parsed.error;
  first_ = *std::move(parsed.message);
  if (first_.flag == BindingFlag::used) {
    if (binding_.empty()) return scram_error::binding_not_supported;
    if (first_.binding_type != kBindingType) return scram_error::binding_type;
    return {};
  }
  // Whoever has a channel to bind to and does not: somebody in between may have talked it out of
  // it.
  return binding_.empty() ? std::string_view() : scram_error::server_does_bind;
}

std::string ScramServer::first(ScramKeys keys, std::string_view nonce) {
  keys_ = std::move(keys);
  nonce_ = first_.nonce + std::string(nonce);
  server_first_ = "r=" + nonce_ + ",s=" + crypto::to_base64(keys_.salt) +
                  ",i=" + std::to_string(keys_.iterations);
  return server_first_;
}

std::string_view ScramServer::read_final(std::string_view client_final) {
  const auto parsed = parse_client_final(client_final);
  if (!parsed.message) return parsed.error;
  const ClientFinal& words = *parsed.message;
  const bool is_bound = first_.flag == BindingFlag::used;
  const auto expected = bound_bytes(first_.header, is_bound ? binding_ : std::vector<std::byte>());
  if (!crypto::equal_in_constant_time(words.binding, expected)) {
    return scram_error::bindings_dont_match;
  }
  if (words.nonce != nonce_) return scram_error::other_error;
  if (words.proof.size() != keys_.stored_key.size()) return scram_error::invalid_proof;
  const std::string message = auth_message(first_.bare, server_first_, words.without_proof);
  const Sha256Digest signature = hmac_sha256(keys_.stored_key, bytes_of(message));
  Sha256Digest client_key = exclusive_or(signature, words.proof);
  const crypto::WipeAtEnd wipe_client_key(client_key);
  if (!crypto::equal_in_constant_time(crypto::sha256(client_key), keys_.stored_key)) {
    return scram_error::invalid_proof;
  }
  final_ = "v=" + crypto::to_base64(hmac_sha256(keys_.server_key, bytes_of(message)));
  return {};
}

}  // namespace tickwire::detail
