// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <tickwire/extension.hpp>
#include <tickwire/host.hpp>
#include <tickwire/ticker.hpp>

#include "lib/base/ring_queue.hpp"
#include "lib/host/connection_table.hpp"
#include "lib/host/encode_buffer.hpp"
#include "lib/host/event_ring.hpp"
#include "lib/host/filter_work.hpp"
#include "lib/host/listeners.hpp"
#include "lib/host/log.hpp"
#include "lib/host/mailbox.hpp"
#include "lib/host/shortage.hpp"
#include "lib/host/timer_queue.hpp"
#include "lib/host/transports.hpp"
#include "lib/platform/resolver.hpp"
#include "lib/session/session_settings.hpp"

namespace tickwire::detail {

/// What stands behind a `Host`. Its members are in seven files: host_pass.cpp moves events from the
/// sockets to the program, host_parked.cpp gives large messages their turn, host_wait.cpp makes
/// passes and sleeps, host_dial.cpp makes connections, host_redial.cpp makes them again,
/// host_send.cpp sends, host_core.cpp has the rest.
class HostCore final : public PeerOwner, public TransportHandler {
 public:
  HostCore(Host& host, HostConfig config);
  ~HostCore() override;

  // host_dial.cpp
  Result<Address> listen(std::string_view url, const ListenOptions& options);
  Result<Connection> connect(std::string_view url, const ConnectOptions& options);
  Result<void> reload_certificates();

  // host_pass.cpp
  /// One step of a pass: the next event that no extension consumed, or nothing at the pass' end.
  [[nodiscard]] std::optional<Event> next_event();
  void flush();
  void raise(Event event);

  // host_wait.cpp
  [[nodiscard]] std::optional<Event> wait_for(Duration timeout);
  void update();
  ErrorCode run();
  ErrorCode close_and_wait(Duration timeout, const CloseReason& reason);
  Result<Connection> wait_connected(Connection connection, Duration timeout);
  [[nodiscard]] Result<void> may_wait_sent() const;
  Result<MessageId> wait_sent(Connection connection, MessageId id, Duration timeout);

  // host_send.cpp
  [[nodiscard]] Result<MessageId> send_bytes(const Connection& connection,
                                             std::span<const std::byte> bytes,
                                             const SendOptions& options);
  /// What lies in the encode buffer, and its block if that is worth while.
  [[nodiscard]] OutMessage encoded_message(std::uint32_t type) noexcept;
  /// The same, sent.
  [[nodiscard]] Result<MessageId> send_encoded(const Connection& connection, std::uint32_t type,
                                               const SendOptions& options);
  [[nodiscard]] Result<MessageId> send(Connection connection, OutMessage& message,
                                       const SendOptions& options);
  [[nodiscard]] Result<MessageId> send_owned(Connection connection, std::vector<std::byte>&& bytes,
                                             const SendOptions& options);
  [[nodiscard]] Result<MessageId> send_owned(Connection connection, SendBuffer&& bytes,
                                             const SendOptions& options);
  [[nodiscard]] Result<SendBuffer> make_send_buffer(std::size_t bytes);
  [[nodiscard]] BroadcastResult broadcast(OutMessage& message, const BroadcastOptions& options);
  [[nodiscard]] BroadcastResult send_to(std::span<const Connection> targets, OutMessage& message,
                                        const SendOptions& options);

  /// Counts a message that could not even be encoded, with those it was for.
  BroadcastResult refuse_broadcast(const BroadcastOptions& options, ErrorCode code);
  BroadcastResult refuse_all(std::span<const Connection> targets, ErrorCode code);

  /// Where what is sent next is encoded.
  [[nodiscard]] EncodeBuffer& encode_buffer() noexcept { return encode_buffer_; }

  // host_core.cpp
  [[nodiscard]] Peer* find(Connection connection) noexcept {
    if (connection.host_ != &host_) return nullptr;
    return table_.find(connection.slot_, connection.generation_);
  }
  [[nodiscard]] Connection handle(const Peer& peer) const noexcept {
    return {&host_, peer.slot(), peer.generation};
  }
  ErrorCode close(Connection connection, const CloseReason& reason);
  ErrorCode blacklist(Connection connection, std::optional<Duration> time);
  void close_all(const CloseReason& reason);
  /// Lets all connections hand out what waits with them. False: there is none any more.
  [[nodiscard]] bool receive_all();
  ErrorCode set_receiving(Connection connection, Receiving receiving);
  [[nodiscard]] std::vector<Connection> connections();
  [[nodiscard]] std::vector<Address> listening_addresses() const;
  [[nodiscard]] std::size_t open_connections() noexcept;
  [[nodiscard]] HostStats stats();
  [[nodiscard]] TimePoint clock_now() const noexcept { return clock_.now(); }
  /// An error of the host itself.
  void report(Error error);
  /// Marks that something of the program's runs; pumping the host inside it is refused.
  class Callback;

  const HostConfig config;
  const std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  const std::shared_ptr<Listeners> listeners = std::make_shared<Listeners>();
  std::deque<std::function<void(const Tick&)>> update_hooks;  // one may add another
  std::vector<Extension*> extensions;                         // null: detached since the pass began
  bool running = false;

 private:
  // Connections above the limit that may be told so at the same time.
  static constexpr std::size_t kRefusalSlots = 16;

  // TransportHandler
  LinkHandler* on_incoming(std::unique_ptr<Link> link, std::size_t listener) override;
  void on_handshake_failed(const Address& peer, const Error& error) override;
  void on_accepting_paused(std::size_t listener, Error error) override;
  void on_listener_lost(std::size_t listener, Error error) override;
  // PeerOwner
  void on_peer_changed(std::uint32_t slot) override;
  void on_opening_failed(const Peer& peer, const Error& error) override;
  void on_resume_asked(std::uint32_t slot) override;
  [[nodiscard]] TimePoint now() const noexcept override { return now_; }

  // host_parked.cpp
  void retry_parked();
  void serve_parked();
  // host_pass.cpp
  void begin_pass();
  void end_pass();
  void service_transports();
  void run_timers();
  void run_ticks();
  void tell_pass();
  void free_ended();
  [[nodiscard]] bool keep_back(Peer& peer, Event& event, Held& held);
  void take_kept(Peer& peer, Event& into, Held& held);
  void return_kept();
  void fill_ring();
  [[nodiscard]] Peer* take_ready(Event& into, Held& held);
  [[nodiscard]] bool is_wanted(EventType type) const noexcept;
  void fill_all(Peer& peer);
  [[nodiscard]] bool is_for_program(Peer& peer, Event& event, Held& held);
  void discard(Peer& peer, Event& event, Held& held);
  void look_up_type(Peer& peer, std::uint32_t type);
  [[nodiscard]] bool is_news(Peer& peer, Event& event);
  [[nodiscard]] std::optional<Event> other_event();
  [[nodiscard]] bool has_one_in_row() const noexcept;
  [[nodiscard]] bool find_event(Event& into);
  [[nodiscard]] bool may_hand_out() const noexcept;
  [[nodiscard]] bool pop_event(Event& into);
  [[nodiscard]] bool undo_filters(Peer& peer, Event& event);
  void settle(Peer& peer, const Event& event, const Held& held);
  [[nodiscard]] std::optional<Event> take_out(Peer* peer,
                                              const std::function<bool(const RingEntry&)>& wanted);
  void note_end(Peer& peer, const Event& end);
  [[nodiscard]] bool consumed_by_extension(Event& event);
  void count_masked(Connection connection);
  void log_event(const Event& event);

  // host_wait.cpp
  [[nodiscard]] std::optional<Event> pump_until(Connection connection, TimePoint deadline,
                                                const std::function<bool(const RingEntry&)>& wanted,
                                                const std::function<bool(const Session&)>& is_over);
  void sleep_until(TimePoint deadline);
  void wait_for_activity(TimePoint deadline);
  [[nodiscard]] bool spin_until(TimePoint until);
  [[nodiscard]] TimePoint next_due() const;
  [[nodiscard]] TimePoint real_time(TimePoint when) const;
  [[nodiscard]] TimePoint real_now() const;

  // host_dial.cpp
  [[nodiscard]] std::unique_ptr<Session> make_session(std::string_view scheme, SessionStart start,
                                                      TimePoint now);
  void log_refused(const Address& peer, const Error& error);
  void warn_unverified(const Address& address, const TlsConfig& tls);
  void prepare_dialled(Peer& peer, const Address& address, const ConnectOptions& options,
                       Duration delay);
  [[nodiscard]] Result<void> call(Peer& peer, const TlsConfig& tls);
  [[nodiscard]] Result<void> offer_login(const Peer& peer, const Login& login);
  void resolve(Peer& peer, const TlsConfig& tls);
  [[nodiscard]] Result<void> dial(Peer& peer, const std::vector<std::string>& hosts,
                                  const TlsConfig& tls);
  [[nodiscard]] bool is_let_in(const Address& from, const std::string& subject);
  [[nodiscard]] LinkHandler* turn_away(const Address& caller);
  [[nodiscard]] bool was_closed(std::size_t listener) const noexcept;
  void stop_listening();
  [[nodiscard]] std::size_t accepted_through(std::size_t listener);
  [[nodiscard]] std::size_t accepted_from(const std::string& host);

  // host_redial.cpp
  void call_later(Peer& peer, Duration delay);
  void call_no_more(Peer& peer) noexcept;
  [[nodiscard]] Duration next_delay(const Peer& peer) const;
  void mend_link(Peer& peer);
  void give_time(Peer& peer);
  void run_redial(Peer& peer);
  void call_failed(Peer& peer, Error error);
  [[nodiscard]] bool calls_again(Peer& peer, const Error& error);
  void replace_lost(Peer& lost, const Error& error);
  void call_in_place_of(Peer& lost, ErrorCode why);

  // host_send.cpp
  [[nodiscard]] Result<MessageId> send(const Connection& connection, wire::Kind kind,
                                       std::uint32_t type, std::span<const std::byte> payload,
                                       const SendOptions& options);
  [[nodiscard]] Result<MessageId> send_the_long_way(const Connection& connection,
                                                    std::span<const std::byte> payload,
                                                    const SendOptions& options, wire::Kind kind,
                                                    std::uint32_t type);
  [[nodiscard]] Result<MessageId> send_large(Connection connection, std::uint32_t type,
                                             const SendOptions& options);
  [[nodiscard]] bool is_plain(const SendOptions& options) const noexcept;
  [[nodiscard]] TimePoint send_time(const SendOptions& options) const;
  [[nodiscard]] Result<void> add_metadata(OutMessage& message, const Metadata& metadata);
  struct Filtered {
    AgreedFilters agreed;
    OutMessage message;
    ErrorCode code = ErrorCode::none;
  };
  [[nodiscard]] ErrorCode add(Peer& peer, const OutMessage& message, const SendOptions& options,
                              TimePoint now);
  [[nodiscard]] ErrorCode add_filtered(Peer& peer, const OutMessage& message,
                                       const SendOptions& options, TimePoint now);
  [[nodiscard]] ErrorCode add_filtered(Peer& peer, const OutMessage& message,
                                       const SendOptions& options, TimePoint now,
                                       std::optional<Filtered>& filtered);
  [[nodiscard]] const OutMessage* filter(const AgreedFilters& agreed, const OutMessage& message,
                                         std::optional<Filtered>& filtered);
  void share_payload(OutMessage& message);
  void add_for_all(Peer* peer, const OutMessage& message, const SendOptions& options, TimePoint now,
                   std::optional<Filtered>& filtered, BroadcastResult& result);

  // host_core.cpp
  void make_room_for(const Peer& peer);
  void schedule(Peer& peer);
  void mark_ready(Peer& peer);
  void mark_dirty(Peer& peer) {
    if (peer.in_dirty_list) return;
    dirty_.push_back(peer.slot());
    peer.in_dirty_list = true;
  }
  void finish_peer(Peer& peer);
  void drop_program();

  Host& host_;
  const Clock& clock_;
  Log log_;
  const PackedDecodeLimits decode_limits_{config.decode};
  PoolOwner pool_;
  EncodeBuffer encode_buffer_;
  FilterWork filters_;
  ReassemblyBudget reassembly_;
  const std::shared_ptr<const SessionSettings> session_settings_;
  ConnectionTable table_;
  EventRing ring_;
  Shortage shortage_;
  TimerQueue timers_;
  Transports transports_;
  std::optional<Ticker> ticker_;
  struct Listener {
    std::optional<std::size_t> max_connections;
    std::optional<Address> bound;  // nothing: closed, or lost
  };
  std::vector<Listener> listeners_;   // by number
  std::size_t closed_listeners_ = 0;  // of those, the first so many were closed with the host

  RingQueue<Peer*> ready_;             // peers with events, in turn
  std::vector<std::uint32_t> dirty_;   // peers with something to say
  std::vector<std::uint32_t> ended_;   // peers whose last event was handed out
  std::vector<std::uint32_t> parked_;  // peers that wait for reassembly memory
  std::vector<std::uint32_t> scratch_slots_;
  std::vector<std::byte> metadata_scratch_;

  TimePoint now_;
  TimePoint pass_began_;
  std::uint64_t pass_ = 0;
  std::size_t handed_out_ = 0;
  std::size_t undone_bytes_ = 0;             // of messages whose filters were undone in this pass
  std::size_t kept_events_ = 0;              // with all peers together
  std::optional<std::uint32_t> known_type_;  // of the last object, in this pass
  bool pass_open_ = false;
  bool has_waited_ = false;  // since the last pass: the transports know what is ready
  bool has_looked_ = false;  // while spinning, and found something: the next pass need not
  unsigned looks_ = 0;       // while spinning
  bool in_service_ = false;
  bool is_flushing_ = false;
  int callbacks_ = 0;
  MessageId last_id_ = 0;
  HostStats stats_;
};

class HostCore::Callback {
 public:
  explicit Callback(HostCore& core) noexcept : core_(core) { ++core_.callbacks_; }
  ~Callback() { --core_.callbacks_; }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

 private:
  HostCore& core_;
};

}  // namespace tickwire::detail
