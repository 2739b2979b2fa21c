// SPDX-License-Identifier: MIT
#include "lib/platform/inheritance.hpp"

#if defined(_WIN32)
#include <windows.h>
#else
#include <fcntl.h>
#endif

namespace tickwire::detail {

void keep_from_children(SocketHandle socket) noexcept {
#if defined(_WIN32)
  SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
#else
  fcntl(static_cast<int>(socket), F_SETFD, FD_CLOEXEC);
#endif
}

}  // namespace tickwire::detail
