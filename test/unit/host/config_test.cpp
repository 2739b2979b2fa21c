// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

using namespace tickwire;
using namespace std::chrono_literals;

namespace {

/// What the host says to a config with one change; empty when it takes it.
std::string complaint(const std::function<void(HostConfig&)>& change) {
  HostConfig config;
  change(config);
  try {
    const Host host(std::move(config));
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return {};
}

struct BadField {
  std::string name;
  std::function<void(HostConfig&)> change;
};

const double kNotANumber = std::numeric_limits<double>::quiet_NaN();

std::vector<BadField> bad_fields() {
  return {
      {"application", [](auto& c) { c.application = std::string(65, 'a'); }},
      {"schema", [](auto& c) { c.schema = std::string(65, 's'); }},
      {"tick_rate_hz", [](auto& c) { c.tick_rate_hz = 0; }},
      {"tick_rate_hz", [](auto& c) { c.tick_rate_hz = -60; }},
      {"tick_rate_hz", [](auto& c) { c.tick_rate_hz = 1e-12; }},
      {"tick_rate_hz", [](auto& c) { c.tick_rate_hz = 1'000'001; }},
      {"tick_rate_hz", [](auto& c) { c.tick_rate_hz = kNotANumber; }},
      {"event_capacity", [](auto& c) { c.event_capacity = 0; }},
      {"max_events_per_pass", [](auto& c) { c.max_events_per_pass = 0; }},
      {"channels", [](auto& c) { c.channels.clear(); }},
      {"channels", [](auto& c) { c.channels.resize(65); }},
      {"channels", [](auto& c) { c.channels[2].weight = 0; }},
      {"channels", [](auto& c) { c.channels[2].delivery = static_cast<Delivery>(3); }},
      {"max_catch_up_ticks", [](auto& c) { c.max_catch_up_ticks = 0; }},
      {"spin", [](auto& c) { c.spin = Duration(-1); }},
      {"spin", [](auto& c) { c.spin = std::chrono::seconds(1) + Duration(1); }},
      {"limits.max_connections", [](auto& c) { c.limits.max_connections = 0; }},
      {"limits.max_connections", [](auto& c) { c.limits.max_connections = ~std::size_t{0}; }},
      {"limits.max_connections_per_address",
       [](auto& c) { c.limits.max_connections_per_address = ~std::size_t{0}; }},
      {"limits.max_connections_per_address",
       [](auto& c) { c.limits.max_connections_per_address = 0; }},
      {"limits.max_message_bytes", [](auto& c) { c.limits.max_message_bytes = 0; }},
      {"limits.max_message_bytes", [](auto& c) { c.limits.max_message_bytes = 0xffff'ffff; }},
      {"limits.max_unreliable_bytes", [](auto& c) { c.limits.max_unreliable_bytes = 1101; }},
      {"limits.max_send_queue_bytes", [](auto& c) { c.limits.max_send_queue_bytes = 1 << 20; }},
      {"limits.receive_window_bytes", [](auto& c) { c.limits.receive_window_bytes = 1 << 16; }},
      {"limits.receive_window_bytes",
       [](auto& c) { c.limits.receive_window_bytes = std::size_t{1} << 32; }},
      {"limits.max_reassembly_bytes", [](auto& c) { c.limits.max_reassembly_bytes = 1 << 20; }},
      {"limits.max_host_reassembly_bytes",
       [](auto& c) { c.limits.max_host_reassembly_bytes = 1 << 24; }},
      {"limits.max_unreliable_queue.bytes",
       [](auto& c) { c.limits.max_unreliable_queue.bytes = 100; }},
      {"limits.max_unreliable_queue.age", [](auto& c) { c.limits.max_unreliable_queue.age = 0s; }},
      {"limits.max_connects_per_address_per_second",
       [](auto& c) { c.limits.max_connects_per_address_per_second = 0; }},
      {"limits.max_connects_per_address_per_second",
       [](auto& c) { c.limits.max_connects_per_address_per_second = 1e7; }},
      {"limits.max_connects_per_address_per_second",
       [](auto& c) { c.limits.max_connects_per_address_per_second = kNotANumber; }},
      {"enet.throttle", [](auto& c) { c.enet.throttle = static_cast<ThrottleProfile>(2); }},
      {"decode.max_total_bytes", [](auto& c) { c.decode.max_total_bytes = 0; }},
      {"decode.max_total_bytes", [](auto& c) { c.decode.max_total_bytes = std::size_t{1} << 32; }},
      {"decode.max_depth", [](auto& c) { c.decode.max_depth = 0; }},
      {"decode.max_depth", [](auto& c) { c.decode.max_depth = 4097; }},
      {"decode.polymorphic",
       [](auto& c) { c.decode.polymorphic = static_cast<PolymorphicTypes>(2); }},
      {"decode.cycles", [](auto& c) { c.decode.cycles = static_cast<OwnershipCycles>(2); }},
      {"timeouts.connect", [](auto& c) { c.timeouts.connect = 0s; }},
      {"timeouts.handshake", [](auto& c) { c.timeouts.handshake = -1s; }},
      {"timeouts.idle", [](auto& c) { c.timeouts.idle = 25h; }},
      {"timeouts.keep_alive", [](auto& c) { c.timeouts.keep_alive = 0s; }},
      {"timeouts.keep_alive", [](auto& c) { c.timeouts.keep_alive = 4s; }},
      {"timeouts.linger", [](auto& c) { c.timeouts.linger = 0s; }},
  };
}

}  // namespace

TEST_CASE("a bad field of a config is refused by name") {
  for (const BadField& bad : bad_fields()) {
    const std::string said = complaint(bad.change);
    INFO(bad.name, " -> ", said);
    CHECK(said.find("HostConfig::" + bad.name) != std::string::npos);
  }
}

TEST_CASE("a config at its limits is taken") {
  CHECK(complaint([](HostConfig& config) {
          config.application = std::string(64, 'a');
          config.schema = std::string(64, 's');
          config.tick_rate_hz = 1e6;
          config.event_capacity = 1;
          config.max_events_per_pass = 1;
          config.channels.resize(64);
          config.max_catch_up_ticks = 1;
          config.spin = std::chrono::seconds(1);
          config.limits.max_connections = 1;
          config.limits.max_connections_per_address = 1;
          config.limits.max_connects_per_address_per_second = 1e-6;
          config.enet.throttle = ThrottleProfile::lan;
          config.limits.max_message_bytes = 1;
          config.limits.max_unreliable_bytes = 0;
          config.limits.max_send_queue_bytes = 65;
          config.limits.receive_window_bytes = 128 * 1024;
          config.limits.max_reassembly_bytes = 65;
          config.limits.max_host_reassembly_bytes = 65;
          config.decode.max_total_bytes = 1024;
          config.decode.max_depth = 1;
          config.timeouts.keep_alive = 1ns;
          config.timeouts.idle = 3ns;
        }).empty());
  CHECK(complaint([](HostConfig& config) {
          config.tick_rate_hz = 1e-6;
          config.timeouts.idle = 24h;
          config.limits.receive_window_bytes = 0x7fff'ffff;
          config.decode.max_total_bytes = 0xffff'ffff;
          config.decode.max_depth = 4096;
        }).empty());
  CHECK(complaint([](HostConfig& config) { config.tick_rate_hz.reset(); }).empty());
}

TEST_CASE("a host keeps the config that it was given") {
  HostConfig config;
  config.application = "arena/7";
  config.limits.max_connections = 3;
  const Host host(config);
  CHECK(host.config().application == "arena/7");
  CHECK(host.config().limits.max_connections == 3);
}

TEST_CASE("a host that is slow in the extreme still ticks at the right time") {
  HostConfig config;
  config.tick_rate_hz = 1e-6;
  Host host(config);
  CHECK_FALSE(host.poll());
  CHECK(host.stats().ticks_run == 0);
}
