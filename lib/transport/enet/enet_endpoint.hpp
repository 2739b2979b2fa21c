// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lib/transport/enet/acknowledgement_watch.hpp"
#include "lib/transport/enet/connect_gate.hpp"
#include "lib/transport/enet/enet_call.hpp"
#include "lib/transport/enet/enet_host.hpp"
#include "lib/transport/enet/enet_link.hpp"

namespace tickwire::detail {

/// What all endpoints of one transport share.
struct EnetShared {
  TransportContext context;
  std::shared_ptr<EnetClock> clock;
  TransportCounters counters{};
  DatagramBatch batch{};
};

/// One ENet host: a listener with those who called, or one call of our own.
///
/// Lifetime: handlers may destroy any link from inside `service`; the endpoint itself goes only
///           between calls. Links that are left when it goes are dead, and safe to hold.
class EnetEndpoint final : private DatagramFilter, private PollTarget {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EnetEndpoint>> listen(EnetShared& shared,
                                                                    const ListenRequest& request,
                                                                    Ipv4Endpoint address);
  /// The link comes out of `take_dialled`.
  [[nodiscard]] static Result<std::unique_ptr<EnetEndpoint>> dial(
      EnetShared& shared, std::vector<Ipv4Endpoint> candidates, LinkHandler* handler);
  ~EnetEndpoint();
  EnetEndpoint(const EnetEndpoint&) = delete;
  EnetEndpoint& operator=(const EnetEndpoint&) = delete;

  [[nodiscard]] std::unique_ptr<Link> take_dialled();
  [[nodiscard]] Ipv4Endpoint local() const { return host_->local(); }

  /// To be read in the next pass, whether the poller tells of it or not.
  void expect_input() noexcept { readable_ = true; }
  void service(TimePoint now);
  void flush(TimePoint now);
  void stop_listening() { accepting_ = false; }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// Nothing will happen here any more.
  [[nodiscard]] bool finished() const;

 private:
  friend class EnetLink;

  struct Slot {
    EnetLink* link = nullptr;
    LinkHandler* handler = nullptr;
    SendLedger::Account account;
    SendWindow window;
    TimePoint heard{};  // when it was last seen to live
    AcknowledgementWatch acknowledged;
    bool has_spoken = false;                // a packet has come: silence counts from now on
    TimePoint half_open_until{};            // of who knocked last
    std::optional<TimePoint> ending_until;  // closed here; its end may take until then
    std::size_t steps = 0;                  // of `kMaxStepsPerPeer`, since the last watch
    std::size_t late_packets = 0;           // that may wait behind a gap, since they were counted
  };
  // What a datagram may cost ENet, whose lists are as long as the peer has made them.
  struct Toil {
    std::size_t peer = 0;
    std::size_t steps = 0;    // to the places of the packets that it brings
    std::size_t packets = 0;  // of them, those that may have to wait
    std::size_t acknowledgements = 0;
    std::size_t steps_each = 0;        // where one is of nothing that was sent
    std::uint32_t closed_packets = 0;  // before
  };
  // What is left of one pass.
  struct Budget {
    std::size_t datagrams = kMaxDatagramsPerPass;
    std::size_t packets = kMaxPacketsPerPass;
    std::size_t failures = kMaxFailuresPerPass;
    std::size_t steps = kMaxStepsPerPass;
    bool reads_once = false;
  };

  EnetEndpoint(EnetShared& shared, std::size_t peers);
  [[nodiscard]] Result<void> open(std::optional<Ipv4Endpoint> bind);

  void on_ready(Edge edge) noexcept override {
    guessed_ = edge == Edge::guess && !readable_;
    readable_ = true;
  }

  // enet_endpoint_door.cpp: before a peer is up
  Admission inspect(std::span<const std::byte> datagram, Ipv4Endpoint from) noexcept override;
  [[nodiscard]] bool exchange_cookies(const CookieDatagram& words, Ipv4Endpoint from) noexcept;
  [[nodiscard]] Admission admit(const ConnectAttempt& attempt) noexcept;
  void give_slot(const Census& census) noexcept;
  void end_half_open();
  void ask(TimePoint now);
  void knock();
  [[nodiscard]] bool is_asking() const;
  [[nodiscard]] std::optional<TimePoint> door_deadline() const;

  [[nodiscard]] bool probes() const;
  [[nodiscard]] bool is_busy() const;
  [[nodiscard]] bool is_due() const;
  [[nodiscard]] bool read_all(EnetHost::Moment moment, Budget& budget);
  void take_turns();
  [[nodiscard]] bool take_in(EnetHost::Outcome outcome, EnetEvent& event, Budget& budget);
  [[nodiscard]] bool hand_out_all(EnetHost::Outcome outcome, EnetEvent& event, Budget& budget);
  void note_failure();
  void hand_out(const EnetEvent& event);
  void take_event(const EnetEvent& event);
  void drop(std::size_t index, Error error);
  void came_up(std::size_t index);
  void accept(std::size_t index);
  void describe(std::size_t index, EnetLink& link) const;
  void received(std::size_t index, const ReceivedPacket& packet);
  void ended(std::size_t index, std::uint32_t data);
  void went_down(std::size_t index, Error error);

  // enet_endpoint_toil.cpp: what a peer's datagrams cost
  void weigh(std::span<const std::byte> datagram) noexcept;
  void charge(EnetHost::Outcome outcome, Budget& budget);
  void check_waiting(std::size_t index);
  void cut_for(std::size_t index, const char* sentence);

  void watch();
  void report_fallen();
  void report_if_fallen(std::size_t index);
  void watch_peer(std::size_t index);
  void watch_live_peer(std::size_t index);
  [[nodiscard]] bool is_unacknowledged(Slot& slot) const noexcept;
  void note_signs_of_life(TimePoint at);
  void lose_socket();

  // For links.
  [[nodiscard]] std::size_t capacity_bytes(std::size_t index, Lane lane) const noexcept;
  void send(std::size_t index, Packet packet, Lane lane, std::uint8_t channel);
  void close(std::size_t index);
  void cut(std::size_t index);

  EnetShared& shared_;
  std::vector<Slot> slots_;  // before the host, which counts in their accounts to the end
  std::unique_ptr<EnetHost> host_;
  Watch socket_watch_;

  std::optional<std::size_t> listener_;
  std::optional<ConnectGate> gate_;
  bool accepting_ = false;
  std::optional<TimePoint> half_open_until_;  // the next peer's, or before
  std::unique_ptr<EnetLink> dialled_;
  std::optional<EnetCall> call_;

  TimePoint now_{};        // of the pass under way
  TimePoint passed_at_{};  // the last pass
  TimePoint turned_at_{};  // the last time that ENet had its turn
  TimePoint watched_at_{};
  std::optional<TimePoint> failing_since_;
  std::size_t ending_ = 0;      // slots with `ending_until`
  std::optional<Toil> toil_;    // of the datagram that was read last
  std::size_t door_steps_ = 0;  // slots looked at for it, if it is a CONNECT
  // After a stall, until the socket was empty once: the datagrams that may still have waited.
  std::size_t behind_ = 0;
  bool occupied_ = false;   // some slot is not idle, as of the last watch
  bool fallen_ = false;     // memory was short, and a peer's owner does not know that it is gone
  bool readable_ = false;   // so the poller said, and it was not read empty since
  bool guessed_ = false;    // it did not know
  bool left_over_ = false;  // the pass's budget ended first, or a flush has left an event
  bool lost_ = false;
};

}  // namespace tickwire::detail
