// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

struct bio_st;
struct bio_method_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;
struct x509_st;

namespace tickwire::detail {

/// Gives OpenSSL's objects back. Headers of this folder use it to hold them without OpenSSL's own
/// headers.
struct OpensslFree {
  void operator()(bio_st* object) const noexcept;
  void operator()(bio_method_st* object) const noexcept;
  void operator()(evp_pkey_st* object) const noexcept;
  void operator()(ssl_ctx_st* object) const noexcept;
  void operator()(ssl_session_st* object) const noexcept;
  void operator()(ssl_st* object) const noexcept;
  void operator()(x509_st* object) const noexcept;
};

template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslFree>;

/// Keeps the thread's queue of OpenSSL errors clean while it lives and after it: what stood there
/// from elsewhere would be taken for a failure of ours, and ours for one of the program's.
class CleanErrorQueue {
 public:
  CleanErrorQueue() noexcept;
  ~CleanErrorQueue();
  CleanErrorQueue(const CleanErrorQueue&) = delete;
  CleanErrorQueue& operator=(const CleanErrorQueue&) = delete;
};

}  // namespace tickwire::detail
