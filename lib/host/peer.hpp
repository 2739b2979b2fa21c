// SPDX-License-Identifier: MIT
#pragma once

#include <any>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <tickwire/address.hpp>
#include <tickwire/connection.hpp>

#include "lib/base/ring_queue.hpp"
#include "lib/host/event_ring.hpp"
#include "lib/host/redial.hpp"
#include "lib/session/session.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::detail {

class Peer;

/// Hears what happens to peers while transports are serviced.
class PeerOwner {
 public:
  virtual ~PeerOwner() = default;
  /// Something went into the peer's session: it may have events, something to say, or a deadline.
  virtual void on_peer_changed(std::uint32_t slot) = 0;
  /// Somebody on this peer's link greeted as the other end of another connection. The peer may be
  /// empty after it.
  virtual void on_resume_asked(std::uint32_t slot) = 0;
  /// The time of the pass under way.
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;
  /// The link went down before the session was open.
  virtual void on_opening_failed(const Peer& peer, const Error& error) = 0;
};

/// For want of room a caller may be told to go, unless it has come back to a connection of its own.
enum class TurnedAway : std::uint8_t { no, full, crowded };

/// One connection of a host: its link below, its session, and what the program keeps with it.
class Peer final : public LinkHandler {
 public:
  Peer(PeerOwner& owner, std::uint32_t slot) noexcept : owner_(owner), slot_(slot) {}

  void on_link_up() override;
  void on_packet(Packet packet, TimePoint now) override;
  [[nodiscard]] TailPlace place_tail(std::span<const std::byte> front, std::size_t packet_bytes,
                                     TimePoint now) override;
  void on_tail(TimePoint now) override;
  void on_progress(TimePoint now) override;
  void on_end_of_stream(TimePoint now) override;
  void on_link_down(Error error) override;

  /// Goes on over the link, which somebody who knew the session's token has called with.
  void resume(const ResumeWords& words, TimePoint now);

  /// Lets the session say what it has to, and closes the link once all is said.
  void flush(TimePoint now);

  /// As the program wants it. While something is kept back, the session hands out no messages.
  void set_receiving(Receiving receiving) noexcept {
    receiving_ = receiving;
    tell_receiving();
  }
  /// The session is another one.
  void tell_receiving() noexcept {
    session->set_receiving(kept_back.empty() ? receiving_ : Receiving::paused);
  }
  /// Whether an event that has left the session has to wait: until the program receives from it
  /// again, or behind what is kept back.
  [[nodiscard]] bool keeps_back(EventType type) const noexcept;
  /// Whether the first of what is kept back is the program's now.
  [[nodiscard]] bool has_kept_event() const noexcept {
    return !kept_back.empty() &&
           (receiving_ == Receiving::on || !is_message(kept_back.front().event.type));
  }

  /// See `Connection::call_status`.
  [[nodiscard]] std::optional<CallStatus> call_status() const noexcept;

  [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
  [[nodiscard]] bool is_used() const noexcept { return session != nullptr; }

  /// Empties the slot for its next connection.
  void reset() noexcept;

  std::unique_ptr<Session> session;
  std::unique_ptr<Link> link;
  Address address;
  Direction direction = Direction::dialled;
  std::any user_data;
  std::string verified_subject;
  std::unique_ptr<Redial> redial;  ///< of one that may call again
  /// What had left the session when the program paused it; comes before all that is in there.
  RingQueue<RingEntry> kept_back;
  std::uint32_t generation = 1;
  std::optional<std::size_t> listener;      ///< accepted: through which one it came
  std::optional<std::uint64_t> ended_pass;  ///< the pass that handed out its last event
  TimePoint timer_at = TimePoint::max();    ///< the earliest entry in the timer queue
  bool has_place = true;                    ///< counts as one of the connections that there may be
  TurnedAway turned_away = TurnedAway::no;  ///< counted once the session has refused it
  bool in_ready_list = false;
  bool in_dirty_list = false;

 private:
  template <class Call>
  bool within_memory(Call&& call);

  PeerOwner& owner_;
  std::uint32_t slot_;
  Receiving receiving_ = Receiving::on;
};

}  // namespace tickwire::detail
