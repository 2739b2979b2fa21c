// SPDX-License-Identifier: MIT
#include <atomic>
#include <tickwire/config.hpp>

namespace tickwire {

Login::~Login() {
  // What lies beyond the end may be a longer password's.
  password.resize(password.capacity());
  for (volatile char& each : password)
    each = '\0';
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace tickwire
