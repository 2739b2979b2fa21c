// SPDX-License-Identifier: MIT
#include "lib/crypto/sha256.hpp"

#include <new>

#include <openssl/evp.h>

#include "lib/crypto/sha256_lanes.hpp"

namespace tickwire::crypto {
namespace {

// OpenSSL fails here only when there is no memory.
void demand(int answer) {
  if (answer != 1) throw std::bad_alloc();
}

void begin(EVP_MD_CTX* context) {
  demand(EVP_DigestInit_ex(context, EVP_sha256(), nullptr));
}

void finish(EVP_MD_CTX* context, Sha256Digest& digest) {
  demand(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), nullptr));
}

}  // namespace

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) {
    if (context == nullptr) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }

  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  begin(state_->context);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  demand(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
}

Sha256Digest Sha256::digest() const {
  const Sha256 ended = copy();
  Sha256Digest digest{};
  finish(ended.state_->context, digest);
  return digest;
}

Sha256 Sha256::copy() const {
  Sha256 other;
  demand(EVP_MD_CTX_copy_ex(other.state_->context, state_->context));
  return other;
}

Sha256Digest sha256(std::span<const std::byte> bytes) {
  Sha256Digest digest{};
  demand(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                    nullptr, EVP_sha256(), nullptr));
  return digest;
}

void sha256_each(std::span<const std::byte> bytes, std::size_t piece_bytes,
                 std::span<Sha256Digest> digests) {
  if (sha256_by_lanes(bytes, piece_bytes, digests)) return;
  for (std::size_t i = 0; i < digests.size(); ++i)
    digests[i] = sha256(bytes.subspan(i * piece_bytes, piece_bytes));
}

}  // namespace tickwire::crypto
