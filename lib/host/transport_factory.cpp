// SPDX-License-Identifier: MIT
#include "lib/host/transport_factory.hpp"

#include <string>

#include "lib/transport/enet/enet_transport.hpp"
#include "lib/transport/memory/memory_transport.hpp"

namespace tickwire::detail {

Result<std::unique_ptr<Transport>> make_transport(
    std::string_view scheme, const TransportContext& context,
    const std::shared_ptr<MemoryNetwork>& memory_network) {
  if (scheme == "enet") return make_enet_transport(context);
  if (scheme == "memory") return make_memory_transport(context, memory_network);
  return Error{
      ErrorCode::unknown_scheme, 0,
      "'" + std::string(scheme) + "' is no scheme of this build; it speaks enet:// and memory://."};
}

}  // namespace tickwire::detail
