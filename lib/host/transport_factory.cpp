// SPDX-License-Identifier: MIT
#include "lib/host/transport_factory.hpp"

#include <string>

#include "lib/transport/enet/enet_transport.hpp"
#include "lib/transport/memory/memory_transport.hpp"
#include "lib/transport/stream/stream_transport.hpp"

namespace tickwire::detail {
namespace {

constexpr StreamOptions kStreams[] = {
    {Framing::frames, Security::plain},
    {Framing::frames, Security::tls},
    {Framing::none, Security::plain},
    {Framing::none, Security::tls},
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(
    std::string_view scheme, const TransportContext& context,
    const std::shared_ptr<MemoryNetwork>& memory_network) {
  if (scheme == "enet") return make_enet_transport(context);
  if (scheme == "memory") return make_memory_transport(context, memory_network);
  for (const StreamOptions& each : kStreams) {
    if (scheme == scheme_of(each)) return make_stream_transport(context, each);
  }
  return Error{ErrorCode::unknown_scheme, 0,
               "'" + std::string(scheme) +
                   "' is no scheme of this library; it speaks enet://, tcp://, tls://, "
                   "raw+tcp://, raw+tls:// and memory://."};
}

}  // namespace tickwire::detail
