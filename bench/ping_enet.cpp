// SPDX-License-Identifier: MIT
#include <stdexcept>

#include "support/enet_end.hpp"
#include "support/ping.hpp"
#include "support/process.hpp"

/// A message there and back over ENet alone: a packet, sent off at once. ENet acknowledges a
/// reliable one by a datagram of its own, which it sends before it hands the packet out.
namespace {

constexpr std::uint32_t kWaitMilliseconds = 1000;

class End {
 public:
  End(const bench::PingOptions& options, bench::EnetEnd& enet)
      : enet_(enet),
        flags_(bench::enet_flags(options.delivery)),
        wait_milliseconds_(options.spins() ? 0 : kWaitMilliseconds) {}

  void send(std::span<const std::byte> message) {
    enet_.send(enet_packet_create(message.data(), message.size(), flags_));
    enet_.flush();
  }
  [[nodiscard]] std::span<const std::byte> receive() {
    do {
      received_ = enet_.service(wait_milliseconds_);
    } while (!received_);
    return bench::bytes_of(*received_);
  }

 private:
  bench::EnetEnd& enet_;
  std::uint32_t flags_;
  std::uint32_t wait_milliseconds_;
  bench::EnetPacket received_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "enet", .scheme = "enet"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::TextPipe port;
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      bench::EnetEnd enet(static_cast<std::uint16_t>(std::stoi(port.receive())));
      End end(options, enet);
      bench::pong(end);
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    bench::EnetEnd enet(bench::EnetEnd::listen);
    port.send(std::to_string(enet.port()));
    enet.wait_connected();
    End end(options, enet);
    bench::ping(end, options, trips);
    answering.end();
    trips.report("enet_peer_send and enet_host_flush in, enet_host_service out");
  });
}
