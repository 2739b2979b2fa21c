// SPDX-License-Identifier: MIT
#include "lib/platform/socket_errno.hpp"

#include <system_error>

namespace tickwire::detail {

Error socket_error(int system_code) {
  return {code_of_socket_error(system_code), system_code,
          "The operating system says: " + std::system_category().message(system_code) + "."};
}

}  // namespace tickwire::detail
