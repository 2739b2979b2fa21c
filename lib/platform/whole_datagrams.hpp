// SPDX-License-Identifier: MIT
#pragma once

#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// While it lives, datagrams of a UDP socket over IPv4 travel whole or not at all: no router cuts
/// one up, and one that is too large for the way out is refused at once.
///
/// Lifetime: ends before the socket does.
class WholeDatagrams {
 public:
  explicit WholeDatagrams(SocketHandle socket) noexcept;
  ~WholeDatagrams();
  WholeDatagrams(const WholeDatagrams&) = delete;
  WholeDatagrams& operator=(const WholeDatagrams&) = delete;

  /// False where the system does not know how.
  [[nodiscard]] bool is_on() const noexcept { return is_on_; }

 private:
  SocketHandle socket_;
  int before_ = 0;
  bool is_on_ = false;
};

}  // namespace tickwire::detail
