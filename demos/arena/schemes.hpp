// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace arena {

/// Why no game goes over an address of this scheme; empty when one does, or the library says more.
[[nodiscard]] inline std::string scheme_objection(const std::string& url) {
  for (const char* scheme : {"tls://", "raw+tcp://", "raw+tls://", "memory://"}) {
    if (url.starts_with(scheme)) return "The arena speaks enet:// and tcp://.";
  }
  return {};
}

}  // namespace arena
