// SPDX-License-Identifier: MIT
#include "lib/crypto/sha256_lanes.hpp"

#include <new>

// Without its older names, some of which are OpenSSL's.
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

/// By Intel's multi-buffer library, for this and other makers' x86-64 processors.
namespace tickwire::crypto {
namespace {

/// What the library needs to work with; one for each thread that hashes.
class Lanes {
 public:
  Lanes() : manager_(alloc_mb_mgr(0)) {
    if (manager_ == nullptr) throw std::bad_alloc();
    init_mb_mgr_auto(manager_, nullptr);
    is_usable_ = imb_get_errno(manager_) == 0;
  }
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;
  ~Lanes() { free_mb_mgr(manager_); }

  bool hash(std::span<const std::byte> bytes, std::size_t piece_bytes,
            std::span<Sha256Digest> digests) {
    if (!is_usable_) return false;
    for (std::size_t i = 0; i < digests.size(); ++i)
      submit(bytes.subspan(i * piece_bytes, piece_bytes), digests[i]);
    while (const IMB_JOB* done = IMB_FLUSH_JOB(manager_))
      settle(*done);
    return is_usable_;
  }

 private:
  void submit(std::span<const std::byte> piece, Sha256Digest& digest) {
    IMB_JOB* job = IMB_GET_NEXT_JOB(manager_);
    *job = {};
    job->cipher_mode = IMB_CIPHER_NULL;
    job->cipher_direction = IMB_DIR_ENCRYPT;
    job->chain_order = IMB_ORDER_HASH_CIPHER;
    job->hash_alg = IMB_AUTH_SHA_256;
    job->src = reinterpret_cast<const std::uint8_t*>(piece.data());
    job->msg_len_to_hash_in_bytes = piece.size();
    job->auth_tag_output = reinterpret_cast<std::uint8_t*>(digest.data());
    job->auth_tag_output_len_in_bytes = digest.size();
    for (const IMB_JOB* done = IMB_SUBMIT_JOB(manager_); done != nullptr;
         done = IMB_GET_COMPLETED_JOB(manager_)) {
      settle(*done);
    }
  }
  void settle(const IMB_JOB& done) { is_usable_ &= done.status == IMB_STATUS_COMPLETED; }

  IMB_MGR* manager_;
  bool is_usable_ = false;
};

}  // namespace

bool sha256_by_lanes(std::span<const std::byte> bytes, std::size_t piece_bytes,
                     std::span<Sha256Digest> digests) {
  thread_local Lanes lanes;
  return lanes.hash(bytes, piece_bytes, digests);
}

}  // namespace tickwire::crypto
