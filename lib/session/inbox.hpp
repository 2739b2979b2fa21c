// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <tickwire/config.hpp>
#include <tickwire/stats.hpp>

#include "lib/base/buffer.hpp"
#include "lib/base/packet.hpp"
#include "lib/base/ring_queue.hpp"
#include "lib/session/estimators.hpp"
#include "lib/session/message_run.hpp"
#include "lib/session/resume.hpp"
#include "lib/session/session_settings.hpp"
#include "lib/session/small_copies.hpp"
#include "lib/session/waiting_queue.hpp"
#include "lib/session/wire.hpp"

namespace tickwire::detail {

/// Memory for large messages: what all sessions of a host may hold together. Once one of them has
/// to wait, nobody gets any before its next turn, or a large message would wait for ever beside
/// many small ones.
class ReassemblyBudget {
 public:
  /// There is always room for one small message.
  explicit ReassemblyBudget(std::size_t limit_bytes) noexcept
      : left_(std::max(limit_bytes, reassembly_cost(0))) {}
  [[nodiscard]] bool reserve(std::size_t bytes) noexcept {
    is_short_ = is_short_ || bytes > left_;
    if (is_short_) return false;
    left_ -= bytes;
    ++reservations_;
    return true;
  }
  void release(std::size_t bytes) noexcept { left_ += bytes; }
  /// It is the turn of who waits, or nobody does any more.
  void begin_turn() noexcept { is_short_ = false; }
  /// Whether somebody has had to wait since then.
  [[nodiscard]] bool is_short() const noexcept { return is_short_; }
  /// How many there have been.
  [[nodiscard]] std::uint64_t reservations() const noexcept { return reservations_; }

 private:
  std::size_t left_;
  std::uint64_t reservations_ = 0;
  bool is_short_ = false;
};

/// A large message of which a part has come.
struct Unfinished {
  std::uint64_t id = 0;  ///< of the message, within its session
  std::uint64_t received_bytes = 0;
};

/// The receiving half of a session: checks packets of the data lanes, splits them into messages,
/// joins slices, and keeps what the other end may still send within bounds.
class Inbox {
 public:
  /// The settings outlive it.
  Inbox(const SessionSettings& settings, ReassemblyBudget& budget, BufferPool& pool,
        DropCounters& drops);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Takes a packet whose header has been taken off. False: no correct peer sends it.
  [[nodiscard]] bool receive(const wire::PacketHeader& header, Packet packet);
  /// See `Session::place_tail`; of a packet whose header has been taken off. Takes nothing without
  /// a place, nor what `receive` would refuse.
  [[nodiscard]] TailPlace place_tail(const wire::PacketHeader& header,
                                     std::span<const std::byte> front, std::size_t packet_bytes);
  /// The tail that was placed last is there. False as above.
  [[nodiscard]] bool receive_tail();
  /// Goes on with messages that waited for reassembly memory, whose turn it is. False as above.
  [[nodiscard]] bool retry_parked();
  [[nodiscard]] bool has_parked() const noexcept { return parked_channels_ > 0; }
  void list_unfinished(std::vector<Unfinished>& into) const;
  /// Calls `tell(channel, is_held)` for every channel whose sender is to stop, or to go on: what
  /// waits for reassembly memory must not use up the credit of the channels that have it.
  template <class F>
  void take_holds(F&& tell) {
    for (std::size_t i = 0; holds_changed_ && i < channels_.size(); ++i) {
      if (!channels_[i] || channels_[i]->told_held == !channels_[i]->parked.empty()) continue;
      channels_[i]->told_held = !channels_[i]->parked.empty();
      tell(static_cast<std::uint8_t>(i), channels_[i]->told_held);
    }
    holds_changed_ = false;
  }
  [[nodiscard]] bool owes_holds() const noexcept { return holds_changed_; }

  [[nodiscard]] bool empty() const noexcept { return reliable_.empty() && unreliable_.empty(); }
  /// The messages that came first. Pre: not empty.
  [[nodiscard]] MessageRun take();
  /// Whether a message waits that came before `arrival` did; see `arrivals`.
  [[nodiscard]] bool has_before(std::uint64_t arrival) const noexcept;
  /// The number of the next arrival.
  [[nodiscard]] std::uint64_t arrivals() const noexcept { return arrivals_; }
  /// The program is done with messages that had used up this much credit.
  void return_credit(std::uint64_t cost) noexcept { returned_cost_ += cost; }
  /// It is done with a large one, which had reserved so much.
  void release_memory(std::size_t bytes) noexcept;

  /// Reliable messages taken on a channel, ever.
  [[nodiscard]] std::uint32_t taken(std::uint8_t channel) const noexcept;
  /// The acknowledgement that a channel owes, if it does; owed no more after that.
  [[nodiscard]] std::optional<std::uint32_t> take_acknowledgement(std::uint8_t channel) noexcept;
  /// The same, still owed after that: for packets that may get lost.
  [[nodiscard]] std::optional<std::uint32_t> show_acknowledgement(
      std::uint8_t channel) const noexcept;
  [[nodiscard]] bool owes_acknowledgements() const noexcept { return owed_messages_ > 0; }
  [[nodiscard]] std::uint64_t owed_messages() const noexcept { return owed_messages_; }
  /// Those that have been used are among so many.
  [[nodiscard]] std::size_t channels() const noexcept { return channels_.size(); }

  /// The new limit to tell the other end, once a quarter of the window has come free.
  [[nodiscard]] std::optional<std::uint64_t> take_credit() noexcept;
  [[nodiscard]] bool owes_credit() const noexcept;

  /// Forgets what had begun to arrive, and whatever waits for memory: it comes again over another
  /// link, or never.
  void drop_unfinished() noexcept;
  /// The same, and says where the other end is to go on over another link.
  [[nodiscard]] ResumePoint rewind();

  [[nodiscard]] std::uint32_t datagrams_received() const noexcept;
  [[nodiscard]] std::uint32_t datagrams_missed() const noexcept;

 private:
  struct Assembly {
    BufferRef buffer;  // empty: none is under way
    std::uint8_t kind = 0;
    std::uint32_t total = 0;
    std::uint32_t received = 0;
    std::uint32_t placed = 0;  // of the piece that is being read to where it belongs
    std::uint64_t id = 0;
  };
  struct Parked {
    Packet packet;
    std::uint16_t sequence = 0;
    std::uint64_t returned_cost = 0;  // given back while it waits
  };
  struct Channel {
    std::uint32_t taken = 0;
    std::uint32_t acknowledged = 0;
    Assembly assembly;
    RingQueue<Parked> parked;
    std::uint64_t parked_cost = 0;
    bool told_held = false;
    SequenceWindow windows[2];  // sequenced, unreliable
  };
  enum class Outcome : std::uint8_t { done, parked, violation };
  // What a packet holds.
  struct Contents {
    bool splits = true;           // into records
    bool is_all_messages = true;  // correct ones
    std::uint32_t messages = 0;
    std::uint64_t cost = 0;
  };

  [[nodiscard]] Channel& channel(std::uint8_t index);
  [[nodiscard]] Contents look_at(std::span<const std::byte> records) const noexcept;
  [[nodiscard]] bool park(Channel& on, Packet packet, std::uint16_t sequence);
  void return_parked(Channel& on, Parked& parked, std::uint64_t cost) noexcept;
  void take_back_parked(Channel& on, Parked& parked) noexcept;
  [[nodiscard]] bool receive_reliable(const wire::PacketHeader& header, Packet packet);
  [[nodiscard]] bool receive_datagram(const wire::PacketHeader& header, Packet packet);
  [[nodiscard]] Outcome take_reliable(std::uint8_t index, Channel& from, Packet& packet,
                                      std::uint16_t sequence);
  [[nodiscard]] Outcome take_record(std::uint8_t index, Channel& from, const Packet& packet,
                                    const wire::Record& record);
  [[nodiscard]] bool is_too_large(const wire::MessageBody& message) const noexcept;
  [[nodiscard]] Outcome begin_assembly(Channel& from, std::span<const std::byte> body);
  [[nodiscard]] bool continue_assembly(std::uint8_t index, Channel& from,
                                       std::span<const std::byte> piece);
  [[nodiscard]] bool count_piece(std::uint8_t index, Channel& from, std::size_t bytes);
  void push_reliable(std::uint8_t channel, BufferRef block, std::span<const std::byte> records,
                     std::uint32_t messages);
  void push_unreliable(std::uint8_t channel, BufferRef block, std::span<const std::byte> records,
                       std::uint32_t messages);
  void count_taken(Channel& from, std::uint32_t messages) noexcept;
  void drop_unreliable_excess();

  const SessionSettings& settings_;
  ReassemblyBudget& budget_;
  BufferPool& pool_;
  DropCounters& drops_;
  std::vector<std::unique_ptr<Channel>> channels_;  // all and each made when first used
  WaitingQueue<MessageRun> reliable_;
  WaitingQueue<MessageRun> unreliable_;
  std::unique_ptr<SmallCopies> parked_copies_;  // while something is parked
  std::uint64_t unreliable_messages_ = 0;
  std::uint64_t unreliable_cost_ = 0;
  std::size_t reserved_bytes_ = 0;
  std::uint8_t parked_channels_ = 0;
  bool holds_changed_ = false;
  std::uint8_t placed_on_ = 0;  // the channel of the tail that was placed last
  std::uint64_t arrivals_ = 0;
  std::uint64_t owed_messages_ = 0;
  std::uint64_t received_cost_ = 0;  // all that the other end has spent
  std::uint64_t returned_cost_ = 0;  // of it, what has come free again
  std::uint64_t granted_cost_;       // the limit that the other end knows
};

}  // namespace tickwire::detail
