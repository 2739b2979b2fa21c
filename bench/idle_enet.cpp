// SPDX-License-Identifier: MIT
#include <enet/enet.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "support/enet_end.hpp"
#include "support/idle.hpp"
#include "support/process.hpp"
#include "support/usage.hpp"

/// What peers of ENet alone cost that say nothing: those of one host, which were dialled by one
/// other host in another process. One call is `enet_host_service` until it has nothing.
namespace {

using Clock = std::chrono::steady_clock;

/// Serves what is there, after a wait for the first event; returns how many connections came up.
/// A call returns after each, so it takes one more to know that there is nothing.
std::size_t serve(const bench::IdleOptions& options, ENetHost& host, std::uint32_t wait_ms) {
  std::size_t connected = 0;
  ENetEvent event{};
  for (; enet_host_service(&host, &event, wait_ms) > 0; wait_ms = 0) {
    if (event.type == ENET_EVENT_TYPE_DISCONNECT) throw std::runtime_error("A peer is gone.");
    if (event.type != ENET_EVENT_TYPE_CONNECT) continue;
    enet_peer_ping_interval(event.peer,
                            static_cast<enet_uint32>(options.keep_alive_seconds * 1000));
    ++connected;
  }
  return connected;
}

/// Dials, a few at a time, and then answers until it is ended.
void dial_all(const bench::IdleOptions& options, const bench::TextPipe& pipe) {
  constexpr std::size_t kCallsAtOnce = 64;
  const ENetAddress address =
      bench::enet_loopback(static_cast<std::uint16_t>(std::stoi(pipe.receive())));
  const bench::EnetHost host = bench::make_enet_host(nullptr, options.connections);
  bench::widen_buffers(*host);
  for (std::size_t dialled = 0, connected = 0;;) {
    for (; dialled < options.connections && dialled - connected < kCallsAtOnce; ++dialled) {
      if (enet_host_connect(host.get(), &address, 1, 0) == nullptr)
        throw std::runtime_error("ENet has no peer left.");
    }
    connected += serve(options, *host, 100);
  }
}

void rest(const bench::IdleOptions& options, ENetHost& host, double seconds) {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    const std::chrono::duration<double, std::milli> left = end - Clock::now();
    if (left.count() <= 0) return;
    serve(options, host, static_cast<std::uint32_t>(std::ceil(left.count())));
  }
}

bool found_nothing(ENetHost& host) {
  ENetEvent event{};
  return enet_host_service(&host, &event, 0) == 0;
}

void run(const bench::IdleOptions& options) {
  const bench::TextPipe pipe;
  bench::Child diallers([&] { dial_all(options, pipe); });

  const std::size_t before = bench::resident_bytes();
  const ENetAddress any_port = bench::enet_loopback(0);
  const bench::EnetHost host = bench::make_enet_host(&any_port, options.connections);
  bench::widen_buffers(*host);
  pipe.send(std::to_string(bench::port_of(*host)));
  for (std::size_t connected = 0; connected < options.connections;)
    connected += serve(options, *host, 1000);
  bench::measure_idle(options, {.bytes_before = before,
                                .poll = [&] { return found_nothing(*host); },
                                .rest = [&](double seconds) { rest(options, *host, seconds); }});
  diallers.end();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options =
      bench::read_idle_options(argc, argv, {.peer = "enet", .scheme = "enet", .connections = 4000});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    if (options.connections > ENET_PROTOCOL_MAXIMUM_PEER_ID)
      throw std::runtime_error("A host of ENet has 4,095 peers at most.");
    run(options);
  });
}
