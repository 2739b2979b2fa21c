// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/transport/stream/byte_stream.hpp"
#include "lib/transport/stream/frame_reader.hpp"
#include "lib/transport/stream/send_budget.hpp"
#include "lib/transport/stream/send_queue.hpp"
#include "lib/transport/stream/stream_shared.hpp"
#include "lib/transport/tcp/connect_race.hpp"

namespace tickwire::detail {

class StreamLink;

/// One connection over a stream, from the call or the accept to the last byte, in two files:
/// stream_connection_send.cpp has what it sends. It outlives its link, to let what was sent leave.
///
/// Lifetime: owned by its transport, which frees it between calls once it `is_dead`.
class StreamConnection final : public PollTarget {
 public:
  /// One that came in through a listener.
  StreamConnection(StreamShared& shared, StreamSocket socket, Address peer,
                   std::shared_ptr<TlsContext> tls, std::size_t listener,
                   AddressCensus::Place place);
  /// One that is called, once it is woken.
  StreamConnection(StreamShared& shared, const DialRequest& request,
                   std::shared_ptr<TlsContext> tls);
  ~StreamConnection();
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  [[nodiscard]] std::unique_ptr<Link> make_link();
  [[nodiscard]] std::optional<std::size_t> listener() const noexcept { return listener_; }
  [[nodiscard]] bool is_dead() const noexcept { return phase_ == Phase::dead; }

  // For the transport.
  /// Has `service` called in this pass or the next.
  void wake() { mark_ready(); }
  void service(TimePoint now);
  void flush(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> deadline() const;
  /// Says goodbye as well as that goes at once: its transport is about to end.
  void leave();
  bool in_ready = false;
  bool in_dirty = false;
  bool in_timed = false;

  // For its link.
  [[nodiscard]] std::size_t capacity_bytes(Lane lane) noexcept;
  /// A packet, and what comes behind it, if anything.
  void send(Packet packet, Packet body);
  void close();
  void cut();
  void set_handler(LinkHandler& handler) noexcept { handler_ = &handler; }
  void set_reading(Reading reading);
  [[nodiscard]] std::string verified_subject() const;
  [[nodiscard]] std::vector<std::byte> channel_binding() const;
  [[nodiscard]] Address peer() const;

 private:
  class Taker;
  enum class Phase : std::uint8_t {
    calling,    ///< no address has answered yet
    greeting,   ///< the stream's own handshake is under way
    up,         ///< packets travel
    closing,    ///< what is left is written, then the end
    lingering,  ///< the end is written; that of the other end is awaited
    dead,
  };

  void on_ready(Edge edge) noexcept override {
    if (edge == Edge::end) edge_ = edge;
    mark_ready();
  }
  void mark_ready();
  void mark_dirty();
  void set_deadline(TimePoint deadline);

  void proceed(TimePoint now);
  void call(TimePoint now);
  void begin_greeting(StreamSocket socket);
  void greet();
  void come_up();
  void move_bytes(TimePoint now);
  void read_some(TimePoint now);
  void hand_out(std::size_t bytes, TimePoint now);
  void stream_ended(TimePoint now);
  void wait_for_more();
  [[nodiscard]] Error failure_while_up() const;
  void finish_closing();
  [[nodiscard]] Duration closing_time() const noexcept;
  void give_time(Duration time);
  void reset_raw() noexcept;
  void break_off();
  void end_writing();
  void discard_input();
  void go_down(Error error);
  void turn_away(const Error& error);
  void die();

  // stream_connection_send.cpp
  [[nodiscard]] std::size_t waiting_bytes() const noexcept;
  [[nodiscard]] std::uint64_t taken_bytes() const noexcept;
  void watch_for_stall(TimePoint now);
  std::optional<SendBacklog> look_at_backlog() noexcept;
  void measure(TimePoint now);
  [[nodiscard]] bool use_up_budget(TimePoint now);
  void write_some();
  void run_out_of_memory() noexcept;
  void block_writing();

  // What is needed until it is up.
  struct Beginning {
    Address peer;
    std::string called_host;  // dialled over TLS
    std::shared_ptr<TlsContext> tls;
    std::unique_ptr<ConnectRace> race;
  };

  StreamShared& shared_;
  std::unique_ptr<Beginning> beginning_;
  std::unique_ptr<ByteStream> stream_;
  SocketHandle socket_ = -1;
  Watch watch_;
  FrameReader frames_;
  SendQueue queue_;
  SendBudget budget_;
  std::uint64_t written_bytes_ = 0;          // into the stream, in all
  std::uint64_t drained_bytes_ = 0;          // of them, acknowledged when last asked
  Duration look_interval_{};                 // while the budget is used up
  std::uint64_t drained_before_ = 0;         // when it was looked last
  TimePoint drained_at_{};                   // when that had grown
  std::uint64_t gone_before_ = 0;            // while nothing more is let in
  TimePoint give_up_at_ = TimePoint::max();  // if nothing goes until then
  StreamLink* link_ = nullptr;
  LinkHandler* handler_ = nullptr;
  std::optional<std::size_t> listener_;
  AddressCensus::Place place_;
  TimePoint deadline_ = TimePoint::max();
  std::unique_ptr<Error> write_failure_;
  Phase phase_;
  Reading reading_ = Reading::on;
  Edge edge_ = Edge::bytes;
  bool write_blocked_ = false;
  bool told_full_ = false;      // somebody who has more to send, since the last flush
  bool has_ended_ = false;      // the other end sends nothing more
  bool out_of_memory_ = false;  // for what leaves
  Awaits read_awaits_ = Awaits::readable;
  Awaits write_awaits_ = Awaits::writable;  // while `write_blocked_`
};

}  // namespace tickwire::detail
