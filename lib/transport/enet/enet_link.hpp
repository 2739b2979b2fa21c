// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/base/ipv4_endpoint.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::detail {

class EnetEndpoint;

/// One peer slot of an endpoint, for as long as the connection in it lives. After that it takes
/// packets and drops them.
class EnetLink final : public Link {
 public:
  EnetLink(EnetEndpoint& endpoint, std::size_t slot, Ipv4Endpoint peer)
      : endpoint_(&endpoint), slot_(slot), peer_(peer) {}
  ~EnetLink() override;
  EnetLink(const EnetLink&) = delete;
  EnetLink& operator=(const EnetLink&) = delete;

  [[nodiscard]] const LinkTraits& traits() const noexcept override { return traits_; }
  [[nodiscard]] Address peer() const override;
  [[nodiscard]] std::size_t capacity_bytes(Lane lane) const noexcept override;
  void send(Packet packet, Lane lane, std::uint8_t channel) override;
  void close() override;
  void set_handler(LinkHandler& handler) override;

 private:
  friend class EnetEndpoint;

  EnetEndpoint* endpoint_;  // none once the connection is over
  std::size_t slot_;
  Ipv4Endpoint peer_;
  LinkTraits traits_{};  // zeros until it is up
};

}  // namespace tickwire::detail
