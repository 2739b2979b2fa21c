// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "lib/host/peer.hpp"
#include "lib/session/message_session.hpp"
#include "test/support/counting_resource.hpp"

using namespace tickwire;

namespace {

struct Owner final : detail::PeerOwner {
  void on_peer_changed(std::uint32_t) override {}
  void on_resume_asked(std::uint32_t) override {}
  [[nodiscard]] TimePoint now() const noexcept override { return {}; }
  void on_opening_failed(const detail::Peer&, const Error&) override {}
};

struct Traffic {
  int sent = 0;
  int closed = 0;
};

/// A link that only counts.
class CountingLink final : public detail::Link {
 public:
  explicit CountingLink(Traffic& traffic) noexcept : traffic_(traffic) {}
  [[nodiscard]] const detail::LinkTraits& traits() const noexcept override { return traits_; }
  [[nodiscard]] Address peer() const override { return {}; }
  [[nodiscard]] std::size_t capacity_bytes(detail::Lane) const noexcept override { return 100'000; }
  void send(detail::Packet, detail::Lane, std::uint8_t) override { ++traffic_.sent; }
  void close() override { ++traffic_.closed; }
  void set_handler(detail::LinkHandler&) override {}

 private:
  detail::LinkTraits traits_{.max_packet_bytes = 64 * 1024, .max_datagram_bytes = 1200};
  Traffic& traffic_;
};

}  // namespace

TEST_CASE("a refusal is said before the link goes, and left unsaid where there is no memory") {
  test::CountingResource memory;
  detail::PoolOwner pool(&memory);
  detail::ReassemblyBudget budget(1024 * 1024);
  Owner owner;
  detail::Peer peer(owner, 0);
  peer.session = std::make_unique<detail::MessageSession>(
      std::make_shared<detail::SessionSettings>(),
      detail::SessionStart{.direction = Direction::accepted}, *pool, budget, TimePoint());
  Traffic traffic;
  peer.link = std::make_unique<CountingLink>(traffic);
  peer.session->link_up(peer.link->traits());
  peer.session->refuse(ErrorCode::server_full);
  int words = 1;
  SUBCASE("with memory") {}
  SUBCASE("without") {
    memory.leave(0);
    words = 0;
  }
  peer.flush(TimePoint());
  CHECK(traffic.sent == words);
  CHECK(traffic.closed == 1);
  CHECK(peer.link == nullptr);
}

TEST_CASE("a slot that is emptied keeps nothing of who was there") {
  Owner owner;
  detail::Peer peer(owner, 0);
  peer.verified_subject = "CN=ann";
  peer.listener = 3;
  peer.turned_away = detail::TurnedAway::full;
  const auto generation = peer.generation;
  peer.reset();
  CHECK(peer.verified_subject.empty());
  CHECK_FALSE(peer.listener);
  CHECK(peer.turned_away == detail::TurnedAway::no);
  CHECK(peer.generation == generation + 1);
}
