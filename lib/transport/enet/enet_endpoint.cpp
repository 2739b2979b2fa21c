// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_endpoint.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/error_text.hpp"

namespace tickwire::detail {
namespace {

Error never_up(std::uint32_t data, const EnetLink& link) {
  if (static_cast<Goodbye>(data) == Goodbye::timed_out) {
    return error_with_text(ErrorCode::connect_timed_out,
                           [&] { return "No answer from " + link.peer().to_string() + "."; });
  }
  return error_with_text(ErrorCode::connection_refused,
                         [&] { return link.peer().to_string() + " turned the connection down."; });
}

Error cut_off(std::uint32_t data, const EnetLink& link) {
  const auto told = [&](ErrorCode code, const char* words) {
    return error_with_text(code, [&] { return link.peer().to_string() + words; });
  };
  switch (static_cast<Goodbye>(data)) {
    case Goodbye::timed_out:
      return told(ErrorCode::connection_lost, " fell silent.");
    case Goodbye::closed:
      return told(ErrorCode::closed_by_peer, " closed the connection.");
    default:
      return told(ErrorCode::connection_reset, " cut the connection.");
  }
}

}  // namespace

Result<std::unique_ptr<EnetEndpoint>> EnetEndpoint::listen(EnetShared& shared,
                                                           const ListenRequest& request,
                                                           Ipv4Endpoint address) {
  const std::size_t links = request.max_links != 0 ? request.max_links : shared.context.max_links;
  std::unique_ptr<EnetEndpoint> endpoint(
      new EnetEndpoint(shared, std::min(links, kMaxPeers - kRefusalSlots) + kRefusalSlots));
  auto jar = CookieJar::open(shared.context.clock->now());
  if (!jar) return Error{ErrorCode::out_of_resources, 0, "The system has no random numbers."};
  std::optional<std::size_t> per_address = shared.context.max_links_per_address;
  if (per_address) *per_address += kRefusalSlotsPerAddress;
  endpoint->gate_.emplace(
      *std::move(jar),
      ConnectGate::Limits{per_address, shared.context.connect_rate, shared.context.access});
  endpoint->listener_ = request.listener;
  endpoint->accepting_ = true;
  if (auto opened = endpoint->open(address); !opened) return opened.error();
  return endpoint;
}

Result<std::unique_ptr<EnetEndpoint>> EnetEndpoint::dial(EnetShared& shared,
                                                         std::vector<Ipv4Endpoint> candidates,
                                                         LinkHandler* handler) {
  std::unique_ptr<EnetEndpoint> endpoint(new EnetEndpoint(shared, 1));
  const TimePoint now = shared.context.clock->now();
  const Ipv4Endpoint first = candidates.front();
  auto call = EnetCall::begin(std::move(candidates), now);
  if (!call) return call.error();
  if (auto opened = endpoint->open(std::nullopt); !opened) return opened.error();
  endpoint->call_ = *std::move(call);
  endpoint->ask(now);
  endpoint->dialled_ = std::make_unique<EnetLink>(*endpoint, 0, first);
  endpoint->slots_[0].link = endpoint->dialled_.get();
  endpoint->slots_[0].handler = handler;
  return endpoint;
}

EnetEndpoint::EnetEndpoint(EnetShared& shared, std::size_t peers)
    : shared_(shared),
      slots_(peers),
      passed_at_(shared.context.clock->now()),
      turned_at_(passed_at_),
      watched_at_(passed_at_) {}

Result<void> EnetEndpoint::open(std::optional<Ipv4Endpoint> bind) {
  const TransportContext& context = shared_.context;
  const std::uint32_t max_mtu = probes() ? kLargeMtuBytes : kMtuBytes;
  auto host =
      EnetHost::create({.bind = bind,
                        .peers = slots_.size(),
                        .channels = context.channels,
                        .idle = context.idle,
                        .filter = this,
                        .batch = context.enet.segmentation_offload ? &shared_.batch : nullptr,
                        .max_mtu = max_mtu},
                       shared_.clock);
  if (!host) return std::move(host).error();
  host_ = std::move(*host);
  socket_watch_ = Watch(*context.poller, host_->socket(), *this, Trigger::edge);
  if (!socket_watch_.set(Interest::readable)) {
    return Error{ErrorCode::out_of_resources, 0, "The system has no room to wait for a socket."};
  }
  return {};
}

EnetEndpoint::~EnetEndpoint() {
  for (Slot& slot : slots_)
    if (slot.link != nullptr) slot.link->endpoint_ = nullptr;
  if (host_ == nullptr || lost_) return;
  for (std::size_t index = 0; index < host_->peers(); ++index)
    if (host_->phase(index) != PeerPhase::idle) host_->end_now(index, Goodbye::cut);
}

std::unique_ptr<Link> EnetEndpoint::take_dialled() {
  return std::move(dialled_);
}

void EnetEndpoint::service(TimePoint now) {
  if (lost_) return;
  now_ = now;
  host_->begin_pass(now);
  if (fallen_) report_fallen();
  if (occupied_ && now - passed_at_ > kStall) {
    note_signs_of_life(passed_at_);
    for (Slot& slot : slots_)
      slot.acknowledged.begin(slot.account, now);  // what it says to that is in the socket
    behind_ = kMaxDatagramsBehind;
  }
  passed_at_ = now;
  const bool is_turn = is_due();
  Budget budget;
  budget.reads_once = std::exchange(guessed_, false) && !left_over_ && !is_turn;
  if (!is_turn && !readable_ && !left_over_) return;

  // What waits in the socket must be read before anybody can time out.
  const bool was_behind = behind_ != 0;
  left_over_ = !read_all(was_behind ? EnetHost::Moment::past : EnetHost::Moment::present, budget);
  if (was_behind) {
    const std::size_t read = std::max<std::size_t>(kMaxDatagramsPerPass - budget.datagrams, 1);
    behind_ = left_over_ ? behind_ - std::min(behind_, read) : 0;
    if (behind_ != 0) return;
    host_->return_to_present();
  }
  if (is_turn) take_turns();
  if (failing_since_ && now - *failing_since_ >= kSocketLost) return lose_socket();
  if (half_open_until_ && now >= *half_open_until_) end_half_open();
  if (call_) knock();
  if (now - watched_at_ >= kQuietInterval) watch();
}

// Returns whether the socket is empty, or as good as, or will be told of again.
bool EnetEndpoint::read_all(EnetHost::Moment moment, Budget& budget) {
  static_assert(kMaxDatagramsPerPass % kDatagramsPerFlush == 0);
  readable_ = false;
  std::uint32_t flushed_bytes = host_->received_bytes();
  for (; budget.datagrams > 0; --budget.datagrams) {
    EnetEvent event;
    const EnetHost::Outcome outcome = host_->read(moment, event);
    if (outcome == EnetHost::Outcome::failed) {
      note_failure();
      if (--budget.failures > 0) continue;
      readable_ = true;  // for all that is known
      return true;
    }
    failing_since_.reset();
    if (outcome == EnetHost::Outcome::quiet) return true;
    if (!take_in(outcome, event, budget)) return false;
    if (budget.reads_once) return true;
    const bool is_long = budget.datagrams % kDatagramsPerFlush == 1 ||
                         host_->received_bytes() - flushed_bytes >= kBytesPerFlush;
    if (!is_long || moment == EnetHost::Moment::past) continue;
    flush(now_);
    flushed_bytes = host_->received_bytes();
  }
  return false;
}

// Lets ENet's timers run at every peer; a flood does not keep them from it.
void EnetEndpoint::take_turns() {
  turned_at_ = now_;
  Budget budget;
  for (;;) {
    EnetEvent event;
    const EnetHost::Outcome outcome = host_->take_turn(event);
    if (outcome == EnetHost::Outcome::failed) {
      note_failure();
      if (--budget.failures == 0) return;
      continue;
    }
    failing_since_.reset();
    if (outcome == EnetHost::Outcome::quiet) return;
    // What came meanwhile is for the next pass: a turn looks at every peer, and is not for reading.
    const bool has_taken = host_->has_taken();
    readable_ = readable_ || has_taken;
    const bool is_within = take_in(outcome, event, budget);
    left_over_ = left_over_ || !is_within;
    if (!is_within || has_taken) return;
  }
}

// What came of a read or a turn. False: the budget has ended.
bool EnetEndpoint::take_in(EnetHost::Outcome outcome, EnetEvent& event, Budget& budget) {
  if (outcome == EnetHost::Outcome::useless) ++shared_.counters.malformed_datagrams;
  const bool is_within = hand_out_all(outcome, event, budget);
  if (toil_) charge(outcome, budget);
  budget.steps -= std::min(budget.steps, std::exchange(door_steps_, 0));
  // Before the next read: it may bring a caller, who gets the slot.
  if (fallen_) report_fallen();
  return is_within && budget.steps != 0;
}

// False: the budget has ended.
bool EnetEndpoint::hand_out_all(EnetHost::Outcome outcome, EnetEvent& event, Budget& budget) {
  for (; outcome == EnetHost::Outcome::event; outcome = host_->next_event(event)) {
    hand_out(event);
    if (--budget.packets == 0) return false;
  }
  return true;
}

void EnetEndpoint::note_failure() {
  ++shared_.counters.socket_errors;
  if (!failing_since_) failing_since_ = now_;
}

// Nothing that comes from the network makes a pass throw; what the program throws does, and what
// is left of the pass follows in the next one. Whoever it was about is cut off.
void EnetEndpoint::hand_out(const EnetEvent& event) {
  try {
    take_event(event);
  } catch (const std::bad_alloc&) {
    drop(event.peer, {ErrorCode::out_of_resources, 0, {}});
  } catch (...) {
    left_over_ = true;
    toil_.reset();
    drop(event.peer, program_threw());
    throw;
  }
}

void EnetEndpoint::drop(std::size_t index, Error error) {
  host_->end_now(index, Goodbye::cut);
  went_down(index, std::move(error));
}

void EnetEndpoint::take_event(const EnetEvent& event) {
  switch (event.type) {
    case EnetEvent::Type::connected:
      return came_up(event.peer);
    case EnetEvent::Type::disconnected:
      return ended(event.peer, event.data);
    case EnetEvent::Type::received:
      return received(event.peer, event.packet);
    case EnetEvent::Type::none:
      return;
  }
}

void EnetEndpoint::came_up(std::size_t index) {
  Slot& slot = slots_[index];
  slot.has_spoken = false;
  slot.window = SendWindow(window_of(shared_.context.enet.throttle));
  slot.account.paid_back_bytes = 0;
  slot.steps = slot.late_packets = 0;
  host_->configure(index);
  host_->set_window(index, slot.window.bytes());
  if (listener_) return accept(index);

  if (slot.link == nullptr) return host_->end_now(index, Goodbye::cut);
  if (host_->mtu(index) < kMinMtuBytes) {
    return drop(index, {ErrorCode::protocol_violation, 0,
                        slot.link->peer().to_string() + " asks for too small packets."});
  }
  describe(index, *slot.link);
  slot.handler->on_link_up();
}

void EnetEndpoint::accept(std::size_t index) {
  if (!accepting_) return host_->end_now(index, Goodbye::cut);
  Slot& slot = slots_[index];
  auto link = std::make_unique<EnetLink>(*this, index, host_->address(index));
  describe(index, *link);
  slot.link = link.get();
  LinkHandler* handler = shared_.context.handler->on_incoming(std::move(link), *listener_);
  // It may have been destroyed in there.
  if (slot.link != nullptr) slot.handler = handler;
}

void EnetEndpoint::describe(std::size_t index, EnetLink& link) const {
  const std::size_t most = host_->mtu(index) - kEnetOverheadBytes;
  link.traits_ = {.max_packet_bytes = most, .max_datagram_bytes = most, .loses_datagrams = true};
  link.peer_ = host_->address(index);
}

void EnetEndpoint::received(std::size_t index, const ReceivedPacket& packet) {
  Slot& slot = slots_[index];
  if (!std::exchange(slot.has_spoken, true)) {
    slot.heard = now_;
    slot.acknowledged.begin(slot.account, now_);
    host_->watch_for_silence(index);
  }
  if (slot.handler == nullptr) return;
  const auto bytes = packet.bytes();
  Packet copy(*shared_.context.pool, bytes.size());
  copy.append(bytes);
  slot.handler->on_packet(std::move(copy), now_);
}

void EnetEndpoint::ended(std::size_t index, std::uint32_t data) {
  Slot& slot = slots_[index];
  if (std::exchange(slot.ending_until, std::nullopt)) --ending_;
  if (slot.link == nullptr) return;
  const bool was_up = slot.link->traits_.max_packet_bytes != 0;
  went_down(index, was_up ? cut_off(data, *slot.link) : never_up(data, *slot.link));
}

void EnetEndpoint::went_down(std::size_t index, Error error) {
  Slot& slot = slots_[index];
  if (EnetLink* link = std::exchange(slot.link, nullptr)) link->endpoint_ = nullptr;
  if (LinkHandler* handler = std::exchange(slot.handler, nullptr)) {
    handler->on_link_down(std::move(error));
  }
}

void EnetEndpoint::watch() {
  watched_at_ = now_;
  occupied_ = false;
  note_signs_of_life(now_);
  for (std::size_t index = 0; index < slots_.size(); ++index)
    watch_peer(index);
}

void EnetEndpoint::note_signs_of_life(TimePoint at) {
  for (std::size_t index = 0; index < slots_.size(); ++index)
    if (host_->take_heard(index)) slots_[index].heard = at;
}

void EnetEndpoint::report_fallen() {
  fallen_ = false;
  for (std::size_t index = 0; index < slots_.size(); ++index)
    report_if_fallen(index);
}

void EnetEndpoint::report_if_fallen(std::size_t index) {
  const bool is_held = slots_[index].link != nullptr && !is_asking();
  if (!is_held || host_->phase(index) != PeerPhase::idle) return;
  went_down(index, {ErrorCode::out_of_resources, 0, {}});
}

void EnetEndpoint::watch_peer(std::size_t index) {
  Slot& slot = slots_[index];
  slot.steps = 0;
  switch (host_->phase(index)) {
    case PeerPhase::idle:
      return report_if_fallen(index);
    case PeerPhase::half_open:
    case PeerPhase::connecting:
      break;
    case PeerPhase::up:
      watch_live_peer(index);
      break;
    case PeerPhase::ending:
      if (slot.ending_until && now_ >= *slot.ending_until) {
        host_->end_now(index, Goodbye::cut);
        ended(index, 0);
      }
      break;
  }
  occupied_ = true;
}

void EnetEndpoint::watch_live_peer(std::size_t index) {
  Slot& slot = slots_[index];
  slot.window.update(host_->path(index), now_);
  host_->set_window(index, slot.window.bytes());
  host_->limit_backoff(index);
  // Before its first packet it is the owner's to say how long an answer may take: the way there and
  // back may be longer than the silence between two ends that know each other.
  if (slot.has_spoken && now_ - slot.heard >= shared_.context.idle) {
    host_->end_now(index, Goodbye::cut);
    ended(index, static_cast<std::uint32_t>(Goodbye::timed_out));
  } else if (slot.has_spoken && is_unacknowledged(slot)) {
    drop(index, error_with_text(ErrorCode::connection_lost, [] {
           return "The other end talks, and does not acknowledge what it is sent.";
         }));
  } else {
    check_waiting(index);
  }
}

bool EnetEndpoint::is_unacknowledged(Slot& slot) const noexcept {
  return slot.acknowledged.is_over(slot.account, now_, 2 * shared_.context.idle);
}

void EnetEndpoint::lose_socket() {
  lost_ = true;
  socket_watch_ = Watch();
  const auto error = [this] {
    return error_with_text(ErrorCode::socket_failed, [this] {
      return "The socket of " + enet_address(host_->local()).to_string() +
             " has failed for three seconds.";
    });
  };
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    host_->reset(index);
    went_down(index, error());
  }
  if (accepting_) shared_.context.handler->on_listener_lost(*listener_, error());
}

void EnetEndpoint::flush(TimePoint now) {
  if (lost_) return;
  shared_.counters.socket_errors += host_->flush(now);
  // Who has acknowledged the other end's goodbye is gone.
  left_over_ = left_over_ || host_->has_event();
}

bool EnetEndpoint::probes() const {
  return shared_.context.enet.datagrams == DatagramSize::probed;
}

bool EnetEndpoint::is_busy() const {
  const EnetLink* link = slots_[0].link;
  const bool calling = !listener_ && link != nullptr && link->traits_.max_packet_bytes == 0;
  return (calling && !is_asking()) || ending_ != 0 || host_->held_bytes() != 0;
}

bool EnetEndpoint::is_due() const {
  const auto door = door_deadline();
  return behind_ != 0 || (door && now_ >= *door) ||
         now_ - turned_at_ >= (is_busy() ? kBusyInterval : kQuietInterval);
}

std::optional<TimePoint> EnetEndpoint::next_deadline() const {
  if (lost_) return std::nullopt;
  if (left_over_ || behind_ != 0 || readable_ || fallen_) return passed_at_;
  std::optional<TimePoint> next = door_deadline();
  if (is_busy() || occupied_) {
    const TimePoint turn = turned_at_ + (is_busy() ? kBusyInterval : kQuietInterval);
    next = std::min(next.value_or(turn), turn);
  }
  return next;
}

bool EnetEndpoint::finished() const {
  if (lost_) return true;
  if (accepting_) return false;
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].link != nullptr || host_->phase(index) != PeerPhase::idle) return false;
  }
  return true;
}

// Datagrams leave with the next flush, whatever waits for acknowledgements: what is on its way must
// not keep them here. One window of them is as much as should go out at a time.
std::size_t EnetEndpoint::capacity_bytes(std::size_t index, Lane lane) const noexcept {
  const Slot& slot = slots_[index];
  const SendLedger::Account& account = slot.account;
  const auto left = [](std::size_t most, std::size_t held) { return most - std::min(most, held); };
  switch (lane) {
    case Lane::control:
      return left(kControlBytesTaken, account.control_bytes);
    case Lane::datagram:
      return left(slot.window.bytes(), account.datagram_bytes);
    case Lane::reliable:
      break;
  }
  return left(kWindowsTaken * slot.window.bytes(), account.reliable_bytes);
}

void EnetEndpoint::send(std::size_t index, Packet packet, Lane lane, std::uint8_t channel) {
  Slot& slot = slots_[index];
  if (const std::size_t bytes = std::exchange(slot.account.paid_back_bytes, 0); bytes != 0) {
    slot.window.acknowledged(bytes);
    host_->set_window(index, slot.window.bytes());
  }
  if (!host_->send(index, std::move(packet), lane, channel, slot.account)) fallen_ = true;
}

void EnetEndpoint::close(std::size_t index) {
  Slot& slot = slots_[index];
  slot.link = nullptr;
  slot.handler = nullptr;
  call_.reset();
  host_->end_after_sending(index, Goodbye::closed);
  if (host_->phase(index) == PeerPhase::idle) return;
  slot.ending_until = shared_.context.clock->now() + shared_.context.idle;
  ++ending_;
}

void EnetEndpoint::cut(std::size_t index) {
  slots_[index].link = nullptr;
  slots_[index].handler = nullptr;
  call_.reset();
  host_->end_now(index, Goodbye::cut);
}

}  // namespace tickwire::detail
