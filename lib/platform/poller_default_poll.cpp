// SPDX-License-Identifier: MIT
#include "lib/platform/poller.hpp"

namespace tickwire::detail {

std::unique_ptr<Poller> make_poller() {
  return make_poll_poller();
}

}  // namespace tickwire::detail
