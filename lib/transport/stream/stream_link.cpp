// SPDX-License-Identifier: MIT
#include "lib/transport/stream/stream_link.hpp"

#include <utility>

#include "lib/transport/stream/stream_connection.hpp"

namespace tickwire::detail {
namespace {

// A stream cuts nothing up, so that any size would do; this is what a datagram elsewhere holds.
constexpr std::size_t kDatagramBytes = 1280;

}  // namespace

StreamLink::StreamLink(StreamConnection& connection, Security security)
    : connection_(&connection),
      traits_{.max_packet_bytes = kMaxFrameBytes,
              .max_datagram_bytes = kDatagramBytes,
              .gathers = true,
              .is_private = security == Security::tls} {}

Address StreamLink::peer() const {
  return connection_ == nullptr ? Address() : connection_->peer();
}

StreamLink::~StreamLink() {
  if (connection_ != nullptr) connection_->cut();
}

std::size_t StreamLink::capacity_bytes(Lane lane) const noexcept {
  return connection_ == nullptr ? 0 : connection_->capacity_bytes(lane);
}

void StreamLink::send(Packet packet, Lane, std::uint8_t) {
  if (connection_ != nullptr) connection_->send(std::move(packet), {});
}

void StreamLink::send_pieces(Packet head, Packet body, Lane, std::uint8_t) {
  if (connection_ != nullptr) connection_->send(std::move(head), std::move(body));
}

void StreamLink::close() {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close();
}

void StreamLink::set_handler(LinkHandler& handler) {
  if (connection_ != nullptr) connection_->set_handler(handler);
}

void StreamLink::set_reading(Reading reading) {
  if (connection_ != nullptr) connection_->set_reading(reading);
}

std::string StreamLink::verified_subject() const {
  return connection_ == nullptr ? std::string() : connection_->verified_subject();
}

std::vector<std::byte> StreamLink::channel_binding() const {
  return connection_ == nullptr ? std::vector<std::byte>() : connection_->channel_binding();
}

}  // namespace tickwire::detail
