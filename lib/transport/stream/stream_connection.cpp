// SPDX-License-Identifier: MIT
#include "lib/transport/stream/stream_connection.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/error_text.hpp"
#include "lib/transport/stream/frame_violation.hpp"
#include "lib/transport/stream/stream_link.hpp"
#include "lib/transport/tcp/tcp_stream.hpp"

namespace tickwire::detail {
namespace {

// What one connection may read in a pass before the others have their turn.
constexpr std::size_t kReadBytesPerPass = 512 * 1024;
// Behind a piece of a large message comes the next one, of which only the front belongs here.
constexpr std::size_t kRoomBehindPlaced = 2048;
// For the last bytes to leave and for the other end to close, after this end has.
constexpr Duration kClosingTime = std::chrono::seconds(2);
// For one who has failed the handshake to read why.
constexpr Duration kTurnAwayTime = std::chrono::milliseconds(250);

Error no_room() {
  return {ErrorCode::out_of_resources, 0, "The system has no room to wait for a socket."};
}

}  // namespace

StreamConnection::StreamConnection(StreamShared& shared, StreamSocket socket, Address peer,
                                   std::shared_ptr<TlsContext> tls, std::size_t listener,
                                   AddressCensus::Place place)
    : shared_(shared),
      beginning_(new Beginning{std::move(peer), {}, std::move(tls), nullptr}),
      listener_(listener),
      place_(std::move(place)),
      phase_(Phase::greeting) {
  begin_greeting(std::move(socket));
  // Last of all, so that nobody knows of one that could not be made.
  mark_ready();
  set_deadline(shared_.context.clock->now() + shared_.context.handshake);
}

StreamConnection::StreamConnection(StreamShared& shared, const DialRequest& request,
                                   std::shared_ptr<TlsContext> tls)
    : shared_(shared),
      beginning_(new Beginning{request.candidates.front(), request.host, std::move(tls), nullptr}),
      handler_(request.handler),
      phase_(Phase::calling) {
  beginning_->race =
      std::make_unique<ConnectRace>(*shared.context.poller, *this, request.candidates);
}

StreamConnection::~StreamConnection() {
  if (link_ != nullptr) link_->connection_ = nullptr;
}

std::unique_ptr<Link> StreamConnection::make_link() {
  auto link = std::make_unique<StreamLink>(*this, shared_.options.security);
  link_ = link.get();
  return link;
}

void StreamConnection::mark_ready() {
  if (!std::exchange(in_ready, true)) shared_.ready.push_back(this);
}

void StreamConnection::mark_dirty() {
  if (!std::exchange(in_dirty, true)) shared_.dirty.push_back(this);
}

void StreamConnection::set_deadline(TimePoint deadline) {
  deadline_ = deadline;
  if (!std::exchange(in_timed, true)) shared_.timed.push_back(this);
}

std::optional<TimePoint> StreamConnection::deadline() const {
  if (phase_ == Phase::calling) return beginning_->race->next_deadline();
  if (deadline_ == TimePoint::max()) return std::nullopt;
  return deadline_;
}

// Nothing that comes from the network makes a pass throw; what the program throws does. What it had
// been handed is lost then, and with it the thread of the stream.
void StreamConnection::service(TimePoint now) {
  try {
    proceed(now);
  } catch (const std::bad_alloc&) {
    // Without a text, for which there may be no memory either.
    go_down({ErrorCode::out_of_resources, 0, {}});
  } catch (...) {
    go_down(program_threw());
    throw;
  }
}

void StreamConnection::proceed(TimePoint now) {
  if (phase_ == Phase::calling) call(now);
  if (phase_ == Phase::greeting) greet();
  if (phase_ == Phase::up) move_bytes(now);
  if (phase_ == Phase::closing) finish_closing();
  if (phase_ == Phase::lingering && !has_ended_) discard_input();
  if (now < deadline_) return;
  if (phase_ == Phase::greeting) {
    go_down({ErrorCode::handshake_timed_out, 0, "The TLS handshake did not end in time."});
  } else {
    break_off();
  }
}

void StreamConnection::call(TimePoint now) {
  auto decided = beginning_->race->step(now);
  if (!decided) {
    if (!in_timed) set_deadline(TimePoint::max());
    return;
  }
  beginning_->race.reset();
  if (!*decided) return go_down(std::move(*decided).error());
  beginning_->peer = std::move((*decided)->address);
  phase_ = Phase::greeting;
  begin_greeting(std::move((*decided)->socket));
  mark_ready();
  handler_->on_progress(now);
}

void StreamConnection::begin_greeting(StreamSocket socket) {
  socket_ = socket.handle();
  if (shared_.options.framing == Framing::none) socket.watch_for_dead_peer();
  stream_ = std::make_unique<TcpStream>(std::move(socket));
  if (beginning_->tls) {
    const std::string key = beginning_->called_host + ":" + std::to_string(beginning_->peer.port);
    stream_ = beginning_->tls->wrap(std::move(stream_), beginning_->called_host, key);
  }
  // OpenSSL reads no further than it has to.
  const bool is_plain = shared_.options.security == Security::plain;
  watch_ =
      Watch(*shared_.context.poller, socket_, *this, is_plain ? Trigger::edge : Trigger::level);
}

void StreamConnection::greet() {
  // Handshakes are slow: a burst of newcomers must not hold up those who are in.
  if (beginning_->tls) {
    if (shared_.handshakes_left == 0) return mark_ready();
    --shared_.handshakes_left;
  }
  switch (stream_->handshake()) {
    case IoStatus::done:
      return come_up();
    case IoStatus::blocked: {
      // Who sends its part a byte at a time costs next to nothing, and must not use it up.
      if (beginning_->tls && !stream_->has_moved_on()) ++shared_.handshakes_left;
      const bool reads = stream_->awaits() == Awaits::readable;
      if (!watch_.set(reads ? Interest::readable : Interest::writable)) {
        go_down(no_room());
      }
      return;
    }
    default:
      return go_down(stream_->failure());
  }
}

void StreamConnection::come_up() {
  phase_ = Phase::up;
  deadline_ = TimePoint::max();
  if (!watch_.set(Interest::readable)) {
    return go_down(no_room());
  }
  if (!listener_) {
    beginning_.reset();
    return handler_->on_link_up();
  }
  beginning_.reset();
  // Whoever turns it away destroys the link, and with it this connection's life.
  handler_ = shared_.context.handler->on_incoming(make_link(), *listener_);
}

void StreamConnection::move_bytes(TimePoint now) {
  if (write_blocked_) {
    write_blocked_ = false;
    write_some();
  }
  read_some(now);
  if (phase_ != Phase::up) return;
  if (out_of_memory_) return go_down({ErrorCode::out_of_resources, 0, {}});
  // What the other end had sent before it broke off is read first, if not in this pass.
  const bool has_read_all = reading_ == Reading::on && !in_ready;
  if (write_failure_ && (has_read_all || has_ended_)) return go_down(*write_failure_);
  measure(now);
  if (now >= give_up_at_) {
    return go_down({ErrorCode::connection_lost, 0,
                    "The other end has not read anything of what waits for it for too long."});
  }
  wait_for_more();
}

void StreamConnection::read_some(TimePoint now) {
  std::size_t budget = kReadBytesPerPass;
  while (phase_ == Phase::up && reading_ == Reading::on && !has_ended_) {
    const auto rest = frames_.rest();
    auto room = shared_.block.room();
    if (frames_.is_placed()) room = room.first(kRoomBehindPlaced);
    const IoResult result = stream_->read(rest, room);
    if (result.status == IoStatus::ended) return stream_ended(now);
    if (result.status == IoStatus::failed) return go_down(failure_while_up());
    if (result.status == IoStatus::blocked) {
      read_awaits_ = stream_->awaits();
      edge_ = Edge::bytes;
      if (stream_->has_buffered_input()) mark_ready();
      return;
    }
    hand_out(result.bytes, now);
    if (phase_ != Phase::up) return;
    // A short read has emptied a plain socket: another one would only be told so. An end behind it
    // comes in the next pass, when the program has seen the bytes, and may have answered.
    const bool was_short = result.bytes < rest.size() + room.size();
    if (was_short && shared_.options.security == Security::plain) {
      if (edge_ == Edge::end) mark_ready();
      return;
    }
    if (result.bytes >= budget) return mark_ready();
    budget -= result.bytes;
  }
}

// Whoever takes a packet may end the connection.
class StreamConnection::Taker final : public PacketTaker {
 public:
  Taker(StreamConnection& of, TimePoint now) noexcept : of_(of), now_(now) {}
  [[nodiscard]] bool has_taken() const noexcept { return has_taken_; }

  bool take_packet(Packet packet) override {
    has_taken_ = true;
    of_.handler_->on_packet(std::move(packet), now_);
    return of_.phase_ == Phase::up;
  }
  TailPlace place_tail(std::span<const std::byte> front, std::size_t packet_bytes) override {
    return of_.handler_->place_tail(front, packet_bytes, now_);
  }
  bool take_tail() override {
    has_taken_ = true;
    of_.handler_->on_tail(now_);
    return of_.phase_ == Phase::up;
  }

 private:
  StreamConnection& of_;
  TimePoint now_;
  bool has_taken_ = false;
};

void StreamConnection::hand_out(std::size_t bytes, TimePoint now) {
  if (shared_.options.framing == Framing::none) {
    Packet packet = shared_.block.packet(0, bytes);
    shared_.block.advance(bytes);
    return handler_->on_packet(std::move(packet), now);
  }
  Taker taker(*this, now);
  frames_.take(bytes, *shared_.context.pool, shared_.block, taker);
  if (phase_ != Phase::up) return;
  if (frames_.violated()) return go_down(violation_error(frames_.claim()));
  if (!taker.has_taken()) handler_->on_progress(now);
}

void StreamConnection::stream_ended(TimePoint now) {
  has_ended_ = true;
  if (shared_.options.framing == Framing::none) {
    wait_for_more();
    return handler_->on_end_of_stream(now);
  }
  go_down({ErrorCode::stream_truncated, 0,
           frames_.is_inside()  ? "The other end's stream ended in the middle of a packet."
           : frames_.is_first() ? "The other end closed the stream before it said anything; it may "
                                  "expect another scheme, such as tls:// or tcp://."
                                : "The other end closed the stream without a goodbye."});
}

void StreamConnection::wait_for_more() {
  Interest interest = Interest::none;
  if (reading_ == Reading::on && !has_ended_) interest = Interest::readable;
  if (read_awaits_ == Awaits::writable) interest = interest | Interest::writable;
  if (write_blocked_) {
    interest =
        interest | (write_awaits_ == Awaits::readable ? Interest::readable : Interest::writable);
  }
  read_awaits_ = Awaits::readable;
  if (watch_.set(interest)) return;
  write_failure_ = std::make_unique<Error>(no_room());
  mark_ready();
}

void StreamConnection::set_reading(Reading reading) {
  if (reading == reading_ || phase_ != Phase::up) return;
  reading_ = reading;
  try {
    wait_for_more();
  } catch (const std::bad_alloc&) {
    run_out_of_memory();
  }
  if (reading == Reading::on) mark_ready();  // TLS may hold what came before
}

// Asked of the system rather than kept: nobody does so twice.
Address StreamConnection::peer() const {
  if (beginning_) return beginning_->peer;
  const SocketAddress remote = remote_address(socket_);
  Address address;
  address.scheme = scheme_of(shared_.options);
  address.host = remote.host();
  address.port = remote.port();
  return address;
}

std::string StreamConnection::verified_subject() const {
  return stream_ ? stream_->verified_subject() : std::string();
}

std::vector<std::byte> StreamConnection::channel_binding() const {
  return stream_ ? stream_->channel_binding() : std::vector<std::byte>();
}

void StreamConnection::close() {
  link_ = nullptr;
  handler_ = nullptr;
  if (phase_ != Phase::up || write_failure_ || out_of_memory_) return break_off();
  phase_ = Phase::closing;
  reading_ = Reading::on;
  give_time(closing_time());
  try {
    finish_closing();
  } catch (const std::bad_alloc&) {
    break_off();
  }
}

void StreamConnection::cut() {
  link_ = nullptr;
  handler_ = nullptr;
  break_off();
}

// Closing a socket with something unread in it takes back what the other end has not read yet. So
// the end is written first, and the other end's awaited. All the while what comes in is taken and
// dropped: the other end may read only once it could write.
void StreamConnection::finish_closing() {
  write_blocked_ = false;
  const std::uint64_t before = taken_bytes();
  write_some();
  if (write_failure_) return die();
  if (queue_.empty()) {
    end_writing();
  } else if (taken_bytes() != before) {
    give_time(closing_time());
  }
  if (phase_ != Phase::dead) discard_input();
}

void StreamConnection::end_writing() {
  switch (stream_->shut_down()) {
    case IoStatus::blocked:
      return block_writing();
    case IoStatus::failed:
      return die();
    default:
      phase_ = Phase::lingering;
      give_time(kClosingTime);
  }
}

// One that has said its last word waits for nothing but the answer: it may be slower to read it.
Duration StreamConnection::closing_time() const noexcept {
  const Duration time = std::max(kClosingTime, shared_.context.linger);
  return has_ended_ ? std::max(time, shared_.context.idle) : time;
}

void StreamConnection::give_time(Duration time) {
  set_deadline(shared_.context.clock->now() + time);
}

// A raw stream knows no other way to tell one that was cut short from one that ended. What lies
// here is not all that there may be: more waits above.
void StreamConnection::reset_raw() noexcept {
  const bool is_short = phase_ == Phase::up || (phase_ == Phase::closing && !queue_.empty());
  if (is_short && shared_.options.framing == Framing::none) reset_on_close(socket_);
}

void StreamConnection::break_off() {
  reset_raw();
  die();
}

void StreamConnection::discard_input() {
  for (std::size_t left = kReadBytesPerPass; !has_ended_;) {
    const IoResult result = stream_->read({}, shared_.block.room());
    if (result.status == IoStatus::blocked) {
      read_awaits_ = stream_->awaits();
      return wait_for_more();
    }
    has_ended_ = result.status != IoStatus::done;
    if (result.bytes >= left) {
      mark_ready();
      return wait_for_more();
    }
    left -= result.bytes;
  }
  if (phase_ == Phase::lingering) return die();
  wait_for_more();
}

void StreamConnection::leave() {
  if (phase_ != Phase::closing) return;
  try {
    write_some();
    if (!queue_.empty()) reset_raw();
    if (!write_failure_ && queue_.empty()) static_cast<void>(stream_->shut_down());
  } catch (const std::bad_alloc&) {
    reset_raw();
  }
}

// The system has one number for a call that nobody answers and for a peer that fell silent.
Error StreamConnection::failure_while_up() const {
  Error error = stream_->failure();
  if (error.code == ErrorCode::connect_timed_out) error.code = ErrorCode::connection_lost;
  return error;
}

void StreamConnection::go_down(Error error) {
  LinkHandler* handler = std::exchange(handler_, nullptr);
  if (link_ != nullptr) std::exchange(link_, nullptr)->connection_ = nullptr;
  if (phase_ == Phase::greeting && listener_) return turn_away(error);
  break_off();
  if (handler != nullptr) handler->on_link_down(std::move(error));
}

// What TLS has said to the other end about it gets there only if the socket lives a little longer:
// closed with something unread in it, it would take that back. TLS itself reads no further.
void StreamConnection::turn_away(const Error& error) {
  if (auto below = stream_->take_below()) stream_ = std::move(below);
  static_cast<void>(stream_->shut_down());
  phase_ = Phase::lingering;
  set_deadline(shared_.context.clock->now() + kTurnAwayTime);
  mark_ready();
  shared_.context.handler->on_handshake_failed(beginning_->peer, error);
}

void StreamConnection::die() {
  if (phase_ == Phase::dead) return;
  phase_ = Phase::dead;
  deadline_ = TimePoint::max();
  beginning_.reset();
  watch_ = Watch();
  stream_.reset();
  queue_.clear();
  ++shared_.dead;
}

}  // namespace tickwire::detail
