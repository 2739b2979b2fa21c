// SPDX-License-Identifier: MIT
#include "test/soak/cell.hpp"

#include <vector>

namespace tickwire::soak {
namespace {

using std::chrono::milliseconds;

struct Network {
  const char* name;
  Conditions conditions;
};

const Network kNetworks[] = {
    {"clean", {}},
    {"loss-1", {.loss_ratio = 0.01, .delay = milliseconds(25)}},
    {"loss-5", {.loss_ratio = 0.05, .reorder_ratio = 0.02, .delay = milliseconds(50)}},
    {"loss-10", {.loss_ratio = 0.10, .reorder_ratio = 0.02, .delay = milliseconds(50)}},
    {"loss-20", {.loss_ratio = 0.20, .reorder_ratio = 0.04, .delay = milliseconds(100)}},
    {"rate-64k", {.bytes_per_second = 64'000}},
    {"rate-256k", {.bytes_per_second = 256'000}},
    {"rate-2m", {.bytes_per_second = 2'000'000}},
    {"loss-25-far",
     {.loss_ratio = 0.25,
      .duplicate_ratio = 0.25,
      .delay = milliseconds(900),
      .jitter = milliseconds(200)}},
    {"far", {.delay = milliseconds(100), .jitter = milliseconds(20)}},
    {"flips", {.delay = milliseconds(25), .flip_ratio = 0.02}},
    {"stalls", {.delay = milliseconds(25), .stall = milliseconds(2000)}},
};

bool fits(Transport transport, const Conditions& network) {
  switch (transport) {
    case Transport::enet:
      return true;
    case Transport::memory:
      return true;
    case Transport::tcp:
      return network.flip_ratio == 0 && network.loss_ratio == 0;
  }
  return false;
}

std::vector<Cell> make_cells() {
  std::vector<Cell> all;
  for (const Transport transport : {Transport::enet, Transport::memory, Transport::tcp}) {
    for (const Network& network : kNetworks) {
      if (!fits(transport, network.conditions)) continue;
      for (const Traffic traffic : {Traffic::game, Traffic::bulk}) {
        const char* kind = traffic == Traffic::game ? "game" : "bulk";
        all.push_back({std::string(name_of(transport)) + "/" + network.name + "/" + kind, transport,
                       traffic, network.conditions});
      }
    }
  }
  return all;
}

}  // namespace

std::span<const Cell> cells() {
  static const std::vector<Cell> all = make_cells();
  return all;
}

std::string_view name_of(Transport transport) noexcept {
  switch (transport) {
    case Transport::enet:
      return "enet";
    case Transport::memory:
      return "memory";
    case Transport::tcp:
      return "tcp";
  }
  return "?";
}

}  // namespace tickwire::soak
