// SPDX-License-Identifier: MIT
#include "lib/host/config_check.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <tickwire/filter.hpp>
#include <tickwire/message_name.hpp>

#include "lib/session/session_settings.hpp"

namespace tickwire::detail {
namespace {

constexpr std::size_t kMaxUnreliableBytes = 1100;
// Sizes travel as 32-bit numbers; a record's few bytes come on top.
constexpr std::size_t kMaxMessageBytes = 0xffff'ffffu - 64;
constexpr std::size_t kMaxWindowBytes = 0x7fff'ffffu;
// What a message's type and metadata length add to it.
constexpr std::size_t kMessageExtraBytes = 64;
// An event carries its host's decode limits in eight bytes.
constexpr std::size_t kMinDecodeBytes = 1024;
constexpr std::size_t kMaxDecodeBytes = 0xffff'ffffu;
// More than any machine has descriptors; a few more than these can still be counted.
constexpr std::size_t kMostConnections = std::size_t{1} << 24;
// Longer than that nobody means to burn a processor for what may never come.
constexpr Duration kMostSpin = std::chrono::seconds(1);
// A level takes about a kilobyte of stack in a debug build with sanitizers.
constexpr std::uint32_t kMaxDecodeDepth = 4096;

void demand(bool holds, const std::string& rule) {
  if (!holds) throw std::invalid_argument("HostConfig::" + rule);
}

void check_limits(const Limits& limits) {
  const auto counts = [](std::size_t connections) {
    return connections >= 1 && connections <= kMostConnections;
  };
  demand(counts(limits.max_connections), "limits.max_connections must be 1 to 16777216");
  demand(!limits.max_connections_per_address || counts(*limits.max_connections_per_address),
         "limits.max_connections_per_address must be 1 to 16777216");
  demand(limits.max_message_bytes >= 1 && limits.max_message_bytes <= kMaxMessageBytes,
         "limits.max_message_bytes must be 1 to " + std::to_string(kMaxMessageBytes));
  demand(limits.max_unreliable_bytes <= kMaxUnreliableBytes,
         "limits.max_unreliable_bytes must be at most " + std::to_string(kMaxUnreliableBytes));
  demand(limits.max_send_queue_bytes >= limits.max_message_bytes + kMessageExtraBytes,
         "limits.max_send_queue_bytes must exceed max_message_bytes by 64 or more");
  demand(limits.receive_window_bytes >= kMinWindowBytes &&
             limits.receive_window_bytes <= kMaxWindowBytes,
         "limits.receive_window_bytes must be 131072 (128 KiB) to 2147483647");
  demand(limits.max_reassembly_bytes >= limits.max_message_bytes + kMessageExtraBytes,
         "limits.max_reassembly_bytes must exceed max_message_bytes by 64 or more");
  demand(limits.max_host_reassembly_bytes >= limits.max_reassembly_bytes,
         "limits.max_host_reassembly_bytes must be at least max_reassembly_bytes");
  demand(limits.max_unreliable_queue.bytes >= 2 * kMaxUnreliableBytes,
         "limits.max_unreliable_queue.bytes must be at least 2200");
  demand(limits.max_unreliable_queue.age > Duration::zero(),
         "limits.max_unreliable_queue.age must be above 0");
  const auto& rate = limits.max_connects_per_address_per_second;
  demand(!rate || (*rate >= 1e-6 && *rate <= 1e6),
         "limits.max_connects_per_address_per_second must be 0.000001 to 1000000");
}

void check_timeouts(const Timeouts& timeouts) {
  const auto positive = [](Duration duration, const std::string& name) {
    demand(duration > Duration::zero() && duration <= std::chrono::hours(24),
           "timeouts." + name + " must be above 0 and at most 24 h");
  };
  positive(timeouts.connect, "connect");
  positive(timeouts.handshake, "handshake");
  positive(timeouts.idle, "idle");
  positive(timeouts.keep_alive, "keep_alive");
  positive(timeouts.linger, "linger");
  if (timeouts.resume_window) positive(*timeouts.resume_window, "resume_window");
  demand(timeouts.keep_alive * 3 <= timeouts.idle,
         "timeouts.keep_alive must be at most a third of timeouts.idle");
}

void check_filters(const std::vector<std::shared_ptr<Filter>>& filters) {
  demand(filters.size() <= AgreedFilters::max_filters, "filters must be at most 4");
  std::set<std::string_view> names;
  for (const auto& filter : filters) {
    demand(filter != nullptr, "filters: one is null");
    const std::string_view name = filter->name();
    const bool is_plain = std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    demand(!name.empty() && name.size() <= kMaxFilterNameBytes && is_plain,
           "filters: a name must be 1 to 32 of a-z, 0-9, '-', '.', '_'");
    demand(names.insert(name).second, "filters: '" + std::string(name) + "' is there twice");
  }
}

void check_decode(const DecodeLimits& limits) {
  demand(limits.max_total_bytes >= kMinDecodeBytes && limits.max_total_bytes <= kMaxDecodeBytes,
         "decode.max_total_bytes must be 1024 to " + std::to_string(kMaxDecodeBytes));
  demand(limits.max_depth >= 1 && limits.max_depth <= kMaxDecodeDepth,
         "decode.max_depth must be 1 to " + std::to_string(kMaxDecodeDepth));
  demand(limits.polymorphic <= PolymorphicTypes::accept, "decode.polymorphic is no enumerator");
  demand(limits.cycles <= OwnershipCycles::accept, "decode.cycles is no enumerator");
}

}  // namespace

HostConfig checked(HostConfig config) {
  demand(config.application.size() <= kMaxNameBytes, "application must be at most 64 bytes");
  demand(config.schema.size() <= kMaxNameBytes, "schema must be at most 64 bytes");
  // The least keeps every due time within the range of the clock.
  demand(!config.tick_rate_hz || (*config.tick_rate_hz >= 1e-6 && *config.tick_rate_hz <= 1e6),
         "tick_rate_hz must be 0.000001 to 1000000");
  demand(config.event_capacity >= 1, "event_capacity must be at least 1");
  demand(config.max_events_per_pass >= 1, "max_events_per_pass must be at least 1");
  demand(!config.channels.empty() && config.channels.size() <= kMaxChannels,
         "channels must have 1 to 64 entries");
  for (const ChannelConfig& channel : config.channels) {
    demand(channel.delivery <= Delivery::unreliable, "channels: a delivery is no enumerator");
    demand(channel.weight >= 1, "channels: a weight must be at least 1");
  }
  check_limits(config.limits);
  check_timeouts(config.timeouts);
  check_filters(config.filters);
  check_decode(config.decode);
  demand(config.enet.throttle <= ThrottleProfile::lan, "enet.throttle is no enumerator");
  demand(config.enet.datagrams <= DatagramSize::usual, "enet.datagrams is no enumerator");
  demand(config.max_catch_up_ticks >= 1, "max_catch_up_ticks must be at least 1");
  demand(config.spin >= Duration::zero() && config.spin <= kMostSpin,
         "spin must be at least 0 and at most 1 s");
  if (const auto collision = name_collision()) {
    throw std::invalid_argument("The message names '" + std::string(collision->first) + "' and '" +
                                std::string(collision->second) +
                                "' have the same hash; rename one.");
  }
  return config;
}

}  // namespace tickwire::detail
