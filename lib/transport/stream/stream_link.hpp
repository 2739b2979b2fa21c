// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/transport/stream/stream_shared.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::detail {

class StreamConnection;

/// The handle that a host has to a connection. Once that is over it takes packets and drops them.
class StreamLink final : public Link {
 public:
  StreamLink(StreamConnection& connection, Security security);
  ~StreamLink() override;

  [[nodiscard]] const LinkTraits& traits() const noexcept override { return traits_; }
  [[nodiscard]] Address peer() const override;
  [[nodiscard]] std::size_t capacity_bytes(Lane lane) const noexcept override;
  void send(Packet packet, Lane lane, std::uint8_t channel) override;
  void send_pieces(Packet head, Packet body, Lane lane, std::uint8_t channel) override;
  void close() override;
  void set_handler(LinkHandler& handler) override;
  void set_reading(Reading reading) override;
  [[nodiscard]] std::string verified_subject() const override;
  [[nodiscard]] std::vector<std::byte> channel_binding() const override;

 private:
  friend class StreamConnection;

  StreamConnection* connection_;
  LinkTraits traits_;
};

}  // namespace tickwire::detail
