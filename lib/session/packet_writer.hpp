// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <tickwire/stats.hpp>

#include "lib/base/packet.hpp"
#include "lib/session/inbox.hpp"
#include "lib/session/packet_sink.hpp"
#include "lib/session/protector.hpp"
#include "lib/session/wire.hpp"

namespace tickwire::detail {

/// The one way out of a session: completes a packet of records with its header, the acknowledgement
/// that its channel owes and the protector's seal, and counts it.
class PacketWriter {
 public:
  PacketWriter(PacketSink& sink, PacketProtector& protector, Inbox& inbox, ConnectionStats& stats)
      : sink_(sink), protector_(protector), inbox_(inbox), stats_(stats) {}

  /// What the way out takes now on a lane.
  [[nodiscard]] std::size_t capacity_bytes(Lane lane) const noexcept {
    return sink_.capacity_bytes(lane);
  }

  /// Data of a channel.
  void write(Packet packet, wire::PacketLane packet_lane, std::uint8_t channel,
             std::uint16_t sequence) {
    // One that gets lost has acknowledged nothing.
    const bool reliable = packet_lane == wire::PacketLane::reliable;
    std::optional<std::uint32_t> acknowledged;
    if (inbox_.owes_acknowledgements()) {
      acknowledged =
          reliable ? inbox_.take_acknowledgement(channel) : inbox_.show_acknowledgement(channel);
    }
    write({packet_lane, channel, sequence, acknowledged}, std::move(packet),
          reliable ? Lane::reliable : Lane::datagram);
  }
  /// A slice of a channel, whose end is a part of the message that is sent. Pre: the sink gathers.
  void write_pieces(Packet head, Packet body, std::uint8_t channel, std::uint16_t sequence) {
    wire::prepend_header(head, {wire::PacketLane::reliable, channel, sequence,
                                inbox_.take_acknowledgement(channel)});
    ++stats_.packets_sent;
    stats_.bytes_sent += head.size() + body.size();
    sink_.send_pieces(std::move(head), std::move(body), Lane::reliable, channel);
  }
  /// Control records; by datagram those that are of no use when late.
  void write_control(Packet packet, Lane lane) { write({}, std::move(packet), lane); }

 private:
  void write(const wire::PacketHeader& header, Packet packet, Lane lane) {
    wire::prepend_header(packet, header);
    ++stats_.packets_sent;
    stats_.bytes_sent += packet.size();
    protector_.seal(packet);
    sink_.send(std::move(packet), lane, header.channel);
  }

  PacketSink& sink_;
  PacketProtector& protector_;
  Inbox& inbox_;
  ConnectionStats& stats_;
};

}  // namespace tickwire::detail
