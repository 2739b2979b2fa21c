// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ring_queue.hpp"
#include "lib/session/message_session.hpp"
#include "test/support/session_plan.hpp"

namespace tickwire::test {

/// A packet that one session sent and the other has not been given yet.
struct InFlight {
  detail::Packet packet;
  detail::Lane lane = detail::Lane::control;
  std::uint8_t channel = 0;
};

/// Takes what a session sends, as a transport would.
class CapturingSink final : public detail::PacketSink {
 public:
  [[nodiscard]] std::size_t capacity_bytes(detail::Lane lane) const noexcept override {
    return lane == full_lane ? 0 : capacity;
  }
  void send(detail::Packet packet, detail::Lane lane, std::uint8_t channel) override;
  void send_pieces(detail::Packet head, detail::Packet body, detail::Lane lane,
                   std::uint8_t channel) override;

  std::size_t capacity = 1 << 20;
  std::optional<detail::Lane> full_lane;  ///< has no room, whatever the others have
  bool fills_up = false;                  ///< what is sent takes of the capacity
  std::size_t bytes_sent = 0;
  std::vector<const std::byte*> bodies;  ///< where they lay, of packets in two pieces
  detail::RingQueue<InFlight> packets;

 private:
  detail::PoolOwner pool_{std::pmr::new_delete_resource()};
};

/// An event as tests like it: everything as text.
struct SeenEvent {
  EventType type = EventType::error;
  std::uint8_t channel = 0;
  std::string text;  ///< payload of a message
  std::uint32_t type_id = 0;
  MessageId id = 0;
  Receipt receipt = Receipt::none;
  Error error;
};

/// One session with its memory, its wire out and a log of its events.
struct SessionEnd {
  /// Its memory comes from `resource`, which outlives it.
  SessionEnd(const SessionPlan& plan, TimePoint now,
             std::pmr::memory_resource* resource = std::pmr::get_default_resource());

  /// Takes every event that waits, giving back what messages hold.
  void take_events();
  ErrorCode send(std::string_view text, Delivery delivery = Delivery::reliable,
                 std::uint8_t channel = 0);
  [[nodiscard]] std::size_t count(EventType type) const;
  [[nodiscard]] std::vector<std::string> texts() const;

  detail::PoolOwner pool;
  detail::ReassemblyBudget budget;
  detail::MessageSession session;
  CapturingSink sink;
  std::vector<SeenEvent> events;
  MessageId last_id = 0;
  TimePoint now;
  /// As a host does: straight into the packet that is being filled, and out of the one that is
  /// being taken, where that can be.
  bool takes_short_ways = true;
  std::size_t sent_short = 0;
  std::size_t taken_short = 0;

 private:
  [[nodiscard]] bool send_short(const detail::wire::MessageBody& message, Delivery delivery,
                                std::uint8_t channel);
  [[nodiscard]] bool take_short(Event& into);
};

/// Two sessions with a wire between them that loses nothing unless told to, on a clock of its own.
class SessionPair {
 public:
  SessionPair();
  SessionPair(SessionPlan dialled, SessionPlan accepted, const detail::LinkTraits& link = traits);

  [[nodiscard]] static SessionPlan settings(Direction direction);

  /// One pass on both ends: flush, deliver, advance, take events.
  void pump();
  /// Passes until both ends are up.
  void connect();
  void advance(Duration duration, Duration step = std::chrono::milliseconds(1));
  /// Moves one end's packets to the other.
  void deliver(SessionEnd& from, SessionEnd& to);

  static constexpr detail::LinkTraits traits{1200, 1200, true};

  TimePoint now{std::chrono::hours(1)};
  SessionEnd dialler;
  SessionEnd acceptor;
  /// Of each packet, so many bytes are there when it is asked where the rest belongs.
  std::size_t front_bytes = 0;
  std::size_t placed = 0;  ///< packets whose rest had a place
  /// False drops the packet; may be empty.
  std::function<bool(const InFlight&)> passes;
};

}  // namespace tickwire::test
