// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tickwire/address.hpp>
#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>

#include "lib/base/packet.hpp"
#include "lib/transport/enet/connect_gate.hpp"
#include "lib/transport/enet/datagram_batch.hpp"
#include "lib/transport/enet/enet_clock.hpp"
#include "lib/transport/enet/enet_profile.hpp"
#include "lib/transport/enet/marked_peers.hpp"
#include "lib/transport/enet/send_ledger.hpp"
#include "lib/transport/enet/send_window.hpp"
#include "lib/transport/transport.hpp"

struct _ENetHost;
struct _ENetEvent;
struct _ENetPacket;
struct _ENetPeer;

namespace tickwire::detail {

/// Whether ENet gets to see a datagram.
enum class Admission : std::uint8_t { admit, drop };

/// Sees each datagram before ENet does.
class DatagramFilter {
 public:
  [[nodiscard]] virtual Admission inspect(std::span<const std::byte> datagram,
                                          Ipv4Endpoint from) noexcept = 0;

 protected:
  ~DatagramFilter() = default;
};

/// A packet in ENet's memory.
class ReceivedPacket {
 public:
  ReceivedPacket() noexcept = default;
  explicit ReceivedPacket(_ENetPacket* packet) noexcept : packet_(packet) {}
  ReceivedPacket(ReceivedPacket&& other) noexcept
      : packet_(std::exchange(other.packet_, nullptr)) {}
  ReceivedPacket& operator=(ReceivedPacket&& other) noexcept {
    std::swap(packet_, other.packet_);
    return *this;
  }
  ~ReceivedPacket();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;

 private:
  _ENetPacket* packet_ = nullptr;
};

struct EnetEvent {
  enum class Type : std::uint8_t { none, connected, disconnected, received };

  Type type = Type::none;
  std::size_t peer = 0;    ///< the slot's number
  std::uint32_t data = 0;  ///< what the other end's DISCONNECT says
  ReceivedPacket packet;
};

/// Where a peer slot stands.
enum class PeerPhase : std::uint8_t {
  idle,
  half_open,   ///< a CONNECT came in and is not completed
  connecting,  ///< ours is out
  up,
  ending,
};

struct EnetHostConfig {
  std::optional<Ipv4Endpoint> bind;  ///< nothing: any port, calls out only
  std::size_t peers = 1;
  std::size_t channels = 1;  ///< besides the control lane
  Duration idle{};
  DatagramFilter* filter = nullptr;  ///< outlives the host
  DatagramBatch* batch = nullptr;    ///< nothing: datagrams leave one by one; outlives the host
  std::uint32_t max_mtu = 0;         ///< that callers may ask for
};

/// One ENet host with its socket. Peers are numbers here: ENet uses its peer objects again, and
/// resets one before it reports its end.
class EnetHost {
 public:
  enum class Outcome : std::uint8_t {
    failed,   ///< the socket has
    useless,  ///< a datagram was read, and ENet did nothing with it
    quiet,
    event,
  };
  /// Which time ENet is told; see `EnetClock`.
  enum class Moment : std::uint8_t { present, past };

  /// The clock that every host of this process shares.
  [[nodiscard]] static Result<std::shared_ptr<EnetClock>> share_clock(const Clock& clock);

  /// Errors: the socket's, with its number and without a sentence.
  [[nodiscard]] static Result<std::unique_ptr<EnetHost>> create(const EnetHostConfig& config,
                                                                std::shared_ptr<EnetClock> clock);
  ~EnetHost();
  EnetHost(const EnetHost&) = delete;
  EnetHost& operator=(const EnetHost&) = delete;

  [[nodiscard]] Ipv4Endpoint local() const;
  [[nodiscard]] SocketHandle socket() const;
  /// Of all datagrams so far; wraps.
  [[nodiscard]] std::uint32_t received_bytes() const;
  /// What links have taken and ENet still holds.
  [[nodiscard]] std::size_t held_bytes() const { return ledger_.total_bytes(); }

  /// A pass begins at `now`.
  void begin_pass(TimePoint now) noexcept {
    now_ = now;
    has_read_ = false;
  }
  /// Reads one datagram and sends nothing, not even an acknowledgement: that leaves with `flush`,
  /// together with what is said meanwhile. Quiet when the socket is empty; an event without a type
  /// says that more may be found by `next_event`. The past is where the host last worked: an
  /// acknowledgement that waited for long says nothing of the way there.
  [[nodiscard]] Outcome read(Moment moment, EnetEvent& event);
  void return_to_present() { past_ms_.reset(); }
  /// An event that an earlier call has left.
  [[nodiscard]] Outcome next_event(EnetEvent& event);
  [[nodiscard]] bool has_event() const;
  /// One of ENet's own turns, which looks at every peer: timers, sending, reading one datagram;
  /// stops at the first event.
  [[nodiscard]] Outcome take_turn(EnetEvent& event);
  /// Whether the last `read` or `take_turn` has read a datagram.
  [[nodiscard]] bool has_taken() const noexcept { return has_taken_; }
  /// Sends what is due to those peers that something was queued for or that were heard of. Returns
  /// how many sends failed.
  std::size_t flush(TimePoint now);

  /// Sends a datagram that ENet knows nothing of. False when the system did not take it.
  bool send_datagram(Ipv4Endpoint to, std::span<const std::byte> bytes);
  /// Sends it filled up to `kProbeBytes`, if the way out takes as many in one piece.
  void send_probe(Ipv4Endpoint to, std::span<const std::byte> bytes);
  [[nodiscard]] Census census(const ConnectAttempt& attempt) const noexcept;
  /// Makes ready for a CONNECT that ENet is about to see. Returns the slot that it will get, which
  /// ENet does not end before `reset` does. Pre: one is idle.
  std::size_t expect_caller() noexcept;

  /// Calls out from slot 0, which is idle.
  ///
  /// Errors: `out_of_resources`.
  [[nodiscard]] Result<void> connect(Ipv4Endpoint to, std::uint32_t data, std::uint32_t mtu);
  /// Gives a peer that came up this host's pings, and one of the two MTUs.
  void configure(std::size_t peer);
  /// From now on ENet gives up a peer that talks and never acknowledges anything.
  void watch_for_silence(std::size_t peer);
  /// Whether any genuine datagram of the peer has come since the last time this was asked.
  [[nodiscard]] bool take_heard(std::size_t peer);
  /// Whether packets of the peer wait behind a missing one. Pre: all events were taken.
  [[nodiscard]] bool has_gap(std::size_t peer) const;
  /// How many of them ENet looks at, at most, to find this one's place.
  [[nodiscard]] std::size_t steps_back(std::size_t peer, std::uint8_t channel,
                                       std::uint16_t number) const;
  /// How many wait. Looks at each.
  [[nodiscard]] std::size_t waiting_packets(std::size_t peer) const;
  [[nodiscard]] PathSample path(std::size_t peer) const;
  /// Has what is on its way to the peer sent again in time. To be called now and then: ENet doubles
  /// a packet's time each time that it is lost, without an end. See `longest_resend_time`.
  void limit_backoff(std::size_t peer);
  /// Reliable bytes that may be on their way to the peer.
  void set_window(std::size_t peer, std::size_t bytes);
  /// Takes the packet, or drops it when the peer is not up or memory is short. False: a reliable
  /// one was dropped for want of memory, and the peer reset.
  ///
  /// Pre: no larger than the peer's `max_packet_bytes`.
  [[nodiscard]] bool send(std::size_t peer, Packet packet, Lane lane, std::uint8_t channel,
                          SendLedger::Account& account);
  /// What was sent leaves first.
  void end_after_sending(std::size_t peer, Goodbye reason);
  void end_now(std::size_t peer, Goodbye reason);
  /// Forgets a peer without a word.
  void reset(std::size_t peer);

  [[nodiscard]] std::size_t peers() const;
  [[nodiscard]] PeerPhase phase(std::size_t peer) const;
  [[nodiscard]] Ipv4Endpoint address(std::size_t peer) const;
  [[nodiscard]] std::uint32_t mtu(std::size_t peer) const;

 private:
  EnetHost(_ENetHost* host, const EnetHostConfig& config, std::shared_ptr<EnetClock> clock);
  static int intercept(_ENetHost* host, _ENetEvent* event);
  [[nodiscard]] Outcome serve(_ENetEvent& raw);
  [[nodiscard]] Outcome translate(Outcome outcome, const _ENetEvent& raw, EnetEvent& event) const;
  [[nodiscard]] std::size_t flush_one(std::size_t peer, std::size_t tries);
  [[nodiscard]] std::size_t flush_by_enet(std::size_t tries);
  [[nodiscard]] std::size_t flush_together(std::size_t peer, std::size_t tries);
  [[nodiscard]] _ENetPacket* wrap(Packet packet, Lane lane, SendLedger::Account& account) noexcept;
  [[nodiscard]] _ENetPeer& at(std::size_t peer) const;

  _ENetHost* host_;
  std::shared_ptr<EnetClock> clock_;
  Duration idle_;
  DatagramFilter* filter_;
  DatagramBatch* batch_;
  std::size_t peers_;
  bool has_taken_ = false;
  TimePoint now_{};        // when the pass began
  bool has_read_ = false;  // in this pass
  std::optional<std::uint32_t> past_ms_;
  // Something was queued for them, or has come from them: to acknowledge, or to make room for what
  // waits.
  MarkedPeers unflushed_;
  std::vector<bool> one_by_one_;  // peers that the system does not send a batch to
  SendLedger ledger_;
};

/// Reads dotted numbers.
[[nodiscard]] std::optional<Ipv4Endpoint> parse_ipv4(const std::string& host, std::uint16_t port);
[[nodiscard]] Address enet_address(Ipv4Endpoint endpoint);

}  // namespace tickwire::detail
