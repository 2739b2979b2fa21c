// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_host.hpp"

#include <enet/enet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "lib/platform/random.hpp"
#include "lib/platform/whole_datagrams.hpp"
#include "lib/transport/enet/crc32.hpp"
#include "lib/transport/enet/enet_datagram.hpp"

namespace tickwire::detail {
namespace {

static_assert(kUnassignedPeer == ENET_PROTOCOL_MAXIMUM_PEER_ID);
static_assert(kMaxPeers == ENET_PROTOCOL_MAXIMUM_PEER_ID);
static_assert(kMinWindowBytes == ENET_PROTOCOL_MINIMUM_WINDOW_SIZE);
static_assert(kMaxWindowBytes == ENET_PROTOCOL_MAXIMUM_WINDOW_SIZE);
static_assert(kEnetOverheadBytes ==
              sizeof(ENetProtocolHeader) + sizeof(ENetProtocolSendFragment) + sizeof(enet_uint32));
static_assert(kProbeBytes <= ENET_PROTOCOL_MAXIMUM_MTU);  // the size of its own buffers

constexpr enet_uint32 kHourMs = 60 * 60 * 1000;

// Out of memory, ENet would abort the process; told not to, its calls fail, which is looked after.
void ENET_CALLBACK carry_on() {}

Result<void> start_enet() {
  static const bool started = [] {
    ENetCallbacks callbacks{};
    callbacks.no_memory = carry_on;
    return enet_initialize_with_callbacks(ENET_VERSION, &callbacks) == 0;
  }();
  if (!started) return Error{ErrorCode::socket_failed, 0, "ENet could not be started."};
  // Versions of one soname differ in the peers' layout, which we write to.
  if (enet_linked_version() != ENET_VERSION) {
    return Error{ErrorCode::not_supported, 0,
                 "This build needs ENet " + std::to_string(ENET_VERSION_MAJOR) + "." +
                     std::to_string(ENET_VERSION_MINOR) + "." + std::to_string(ENET_VERSION_PATCH) +
                     ", and another version is installed."};
  }
  return {};
}

// Where the datagrams go that ENet puts together while it has no socket.
thread_local DatagramBatch* gathering = nullptr;

std::span<const std::byte> bytes_of(const ENetBuffer& buffer) {
  return {static_cast<const std::byte*>(buffer.data), buffer.dataLength};
}

// The checksum is the last of a header, which ENet has in the first piece.
enet_uint32 gather(DatagramBatch& batch, std::span<const ENetBuffer> pieces) {
  std::size_t size = 0;
  for (const ENetBuffer& each : pieces)
    size += each.dataLength;
  const std::span datagram = batch.add(size);
  auto at = datagram.begin();
  for (const ENetBuffer& each : pieces)
    at = std::ranges::copy(bytes_of(each), at).out;
  Crc32 crc;
  crc.add(datagram);
  const enet_uint32 sum = ENET_HOST_TO_NET_32(crc.value());
  const std::span place = datagram.subspan(pieces.front().dataLength - sizeof sum, sizeof sum);
  std::ranges::copy(std::as_bytes(std::span(&sum, 1)), place.begin());
  return sum;
}

// ENet writes the connection's secret 32-bit id where the checksum goes before it asks for it, and
// sends what it has asked for.
enet_uint32 ENET_CALLBACK checksum(const ENetBuffer* buffers, std::size_t count) {
  const std::span pieces(buffers, count);
  if (gathering != nullptr) return gather(*gathering, pieces);
  Crc32 crc;
  for (const ENetBuffer& each : pieces)
    crc.add(bytes_of(each));
  return ENET_HOST_TO_NET_32(crc.value());
}

// Whether more than one datagram waits for the peer, or may.
bool fills_several(ENetPeer& peer) {
  std::size_t bytes = 0;
  const ENetListNode* const end = &peer.outgoingCommands.sentinel;
  for (ENetListIterator it = enet_list_begin(&peer.outgoingCommands); it != end; it = it->next) {
    bytes += reinterpret_cast<const ENetOutgoingCommand*>(it)->fragmentLength;
    if (bytes > peer.mtu) return true;
  }
  return false;
}

void ENET_CALLBACK let_go(ENetPacket* packet) {
  SendLedger::close(*static_cast<SendLedger::Record*>(packet->userData));
}

ErrorCode code_of(int system_code) {
  switch (system_code) {
    case EADDRINUSE:
      return ErrorCode::address_in_use;
    case EADDRNOTAVAIL:
    case EACCES:
      return ErrorCode::address_unavailable;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ErrorCode::out_of_resources;
    default:
      return ErrorCode::socket_failed;
  }
}

ENetAddress to_enet(Ipv4Endpoint endpoint) {
  return {endpoint.host, endpoint.port};
}

// What a read that found nothing says of the socket; where the system's number is another one than
// errno, the socket itself is asked.
bool is_socket_empty(const ENetHost& host, int code) {
  if (code == EAGAIN || code == EWOULDBLOCK) return true;
  enet_uint32 condition = ENET_SOCKET_WAIT_RECEIVE;
  return enet_socket_wait(host.socket, &condition, 0) != 0 ||
         (condition & ENET_SOCKET_WAIT_RECEIVE) == 0;
}

// What does not leave because there is no room now is as good as lost on its way.
bool has_failed(int code) {
  return code != 0 && code != EAGAIN && code != EWOULDBLOCK;
}

bool is_at_or_after(enet_uint32 a, enet_uint32 b) {
  return static_cast<std::int32_t>(a - b) >= 0;
}

enet_uint32 to_ms(Duration duration) {
  constexpr Duration longest = std::chrono::hours(12);  // ENet compares times within a day
  return static_cast<enet_uint32>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::clamp(duration, Duration(1'000'000), longest))
                                      .count());
}

}  // namespace

ReceivedPacket::~ReceivedPacket() {
  if (packet_ != nullptr) enet_packet_destroy(packet_);
}

std::span<const std::byte> ReceivedPacket::bytes() const noexcept {
  return {reinterpret_cast<const std::byte*>(packet_->data), packet_->dataLength};
}

Result<std::shared_ptr<EnetClock>> EnetHost::share_clock(const Clock& clock) {
  if (auto started = start_enet(); !started) return started.error();
  return EnetClock::share(clock, {enet_time_get, enet_time_set});
}

Result<std::unique_ptr<EnetHost>> EnetHost::create(const EnetHostConfig& config,
                                                   std::shared_ptr<EnetClock> clock) {
  const ENetAddress bind = to_enet(config.bind.value_or(Ipv4Endpoint{}));
  errno = 0;
  ENetHost* host =
      enet_host_create(config.bind ? &bind : nullptr, config.peers, config.channels + 1, 0, 0);
  if (host == nullptr) {
    const int why = errno;
    return Error{code_of(why), why, {}};
  }
  return std::unique_ptr<EnetHost>(new EnetHost(host, config, std::move(clock)));
}

EnetHost::EnetHost(_ENetHost* host, const EnetHostConfig& config, std::shared_ptr<EnetClock> clock)
    : host_(host),
      clock_(std::move(clock)),
      idle_(config.idle),
      filter_(config.filter),
      batch_(config.batch),
      peers_(host->peerCount),
      unflushed_(peers_),
      one_by_one_(peers_) {
  host_->mtu = config.max_mtu;
  for (ENetPeer& peer : std::span(host_->peers, host_->peerCount))
    peer.mtu = config.max_mtu;
  host_->maximumPacketSize = kMaxPacketBytes;
  host_->maximumWaitingData = kMaxWaitingBytes;
  host_->checksum = checksum;
  // A compressor without functions compresses nothing; it carries what a callback needs.
  host_->compressor.context = this;
  host_->intercept = intercept;
  if (config.bind) {
    enet_socket_set_option(host_->socket, ENET_SOCKOPT_RCVBUF, kListenerBufferBytes);
    enet_socket_set_option(host_->socket, ENET_SOCKOPT_SNDBUF, kListenerBufferBytes);
  }
  clock_->in_present([this] { return host_->serviceTime = enet_time_get(); });
}

EnetHost::~EnetHost() {
  enet_host_destroy(host_);
}

Ipv4Endpoint EnetHost::local() const {
  return {host_->address.host, host_->address.port};
}

std::uint32_t EnetHost::received_bytes() const {
  return host_->totalReceivedData;
}

SocketHandle EnetHost::socket() const {
  return static_cast<SocketHandle>(host_->socket);
}

// ENet has no call that only reads: one that does sends acknowledgements right behind. But it sends
// nothing while it sees no peers, and ends behind a datagram that comes with an event. So it sees
// none until `intercept` has the datagram, and that makes an event which says nothing.
EnetHost::Outcome EnetHost::read(Moment moment, EnetEvent& event) {
  ENetEvent raw{};
  int outcome = 0;
  int code = 0;
  const auto turn = [&] {
    reading_ = true;
    host_->peerCount = 0;
    errno = 0;
    outcome = enet_host_service(host_, &raw, 0);
    code = errno;
    host_->peerCount = peers_;
    reading_ = false;
    return host_->serviceTime;
  };
  if (moment == Moment::present) {
    if (std::exchange(has_read_, true)) {
      clock_->still_in_present(turn);
    } else {
      clock_->in_present(now_, turn);
    }
  } else {
    if (!past_ms_) past_ms_ = host_->serviceTime + 1;
    clock_->in_past(*past_ms_, turn);
  }
  // An empty datagram looks like none at all, and others may wait behind it.
  if (outcome == 0 && !is_socket_empty(*host_, code)) outcome = 1;
  return translate(outcome, raw, event);
}

int EnetHost::intercept(ENetHost* host, ENetEvent* event) {
  auto& self = *static_cast<EnetHost*>(host->compressor.context);
  if (self.reading_) {
    host->peerCount = self.peers_;
    event->type = ENET_EVENT_TYPE_RECEIVE;  // of no peer
  }
  const std::span datagram(reinterpret_cast<const std::byte*>(host->receivedData),
                           host->receivedDataLength);
  const Ipv4Endpoint from{host->receivedAddress.host, host->receivedAddress.port};
  if (self.filter_->inspect(datagram, from) == Admission::drop) return 1;
  self.unflushed_.mark(addressee(datagram));
  return 0;
}

EnetHost::Outcome EnetHost::take_turn(EnetEvent& event) {
  ENetEvent raw{};
  int outcome = 0;
  const auto turn = [&] {
    // Nobody here limits bandwidth. ENet would share it out every second all the same, and tell
    // every peer after each coming and going.
    host_->bandwidthThrottleEpoch = enet_time_get();
    outcome = enet_host_service(host_, &raw, 0);
    return host_->serviceTime;
  };
  clock_->in_present(now_, turn);
  return translate(outcome, raw, event);
}

EnetHost::Outcome EnetHost::next_event(EnetEvent& event) {
  ENetEvent raw{};
  const int outcome = enet_host_check_events(host_, &raw);
  return translate(outcome, raw, event);
}

EnetHost::Outcome EnetHost::translate(int outcome, const _ENetEvent& raw, EnetEvent& event) const {
  event = EnetEvent();
  if (outcome <= 0) return outcome < 0 ? Outcome::failed : Outcome::quiet;
  if (raw.peer == nullptr) return Outcome::event;
  event.peer = raw.peer->incomingPeerID;
  switch (raw.type) {
    case ENET_EVENT_TYPE_CONNECT:
      event.type = EnetEvent::Type::connected;
      break;
    case ENET_EVENT_TYPE_DISCONNECT:
      event.type = EnetEvent::Type::disconnected;
      event.data = raw.data;
      break;
    case ENET_EVENT_TYPE_RECEIVE:
      event.type = EnetEvent::Type::received;
      event.packet = ReceivedPacket(raw.packet);
      break;
    case ENET_EVENT_TYPE_NONE:
      break;
  }
  return Outcome::event;
}

bool EnetHost::has_event() const {
  return !enet_list_empty(&host_->dispatchQueue);
}

std::size_t EnetHost::flush(TimePoint now) {
  constexpr std::size_t most_failures = 8;
  std::size_t failures = 0;
  const auto turn = [&] {
    for (const std::size_t peer : unflushed_.all())
      failures += flush_one(peer, most_failures - std::min(failures, most_failures - 1));
    unflushed_.clear();
    return host_->serviceTime;
  };
  const bool has_just_read = std::exchange(has_read_, false);
  if (unflushed_.all().empty()) return 0;
  if (has_just_read) {
    clock_->still_in_present(turn);
  } else {
    clock_->in_present(now, turn);
  }
  return failures;
}

// ENet would look at all peers: it sees one alone. Returns how often sending failed.
std::size_t EnetHost::flush_one(std::size_t peer, std::size_t tries) {
  ENetPeer* const all = host_->peers;
  host_->peers = all + peer;
  host_->peerCount = 1;
  const bool together = batch_ != nullptr && fills_several(*host_->peers) && !one_by_one_[peer];
  const std::size_t failures = together ? flush_together(peer, tries) : flush_by_enet(tries);
  host_->peers = all;
  host_->peerCount = peers_;
  return failures;
}

// It tells nobody but errno that the kernel did not send, and the next call goes on behind what
// that was.
std::size_t EnetHost::flush_by_enet(std::size_t tries) {
  std::size_t failures = 0;
  for (; failures < tries; ++failures) {
    errno = 0;
    enet_host_flush(host_);
    if (!has_failed(errno)) break;
  }
  return failures;
}

// Without a socket ENet fails behind each datagram that it has put together.
std::size_t EnetHost::flush_together(std::size_t peer, std::size_t tries) {
  const Ipv4Endpoint to = address(0);  // of the one that ENet sees
  const ENetSocket socket = host_->socket;
  std::size_t failures = 0;
  for (bool more = true; more && failures < tries;) {
    host_->socket = ENET_SOCKET_NULL;
    gathering = batch_;
    do {
      const std::size_t before = batch_->datagrams();
      enet_host_flush(host_);
      more = batch_->datagrams() != before;
    } while (more && batch_->has_room(kProbeBytes));
    gathering = nullptr;
    host_->socket = socket;
    const auto sent = batch_->send(this->socket(), to, tries - failures);
    failures += sent.failures;
    if (sent.only_one_by_one) one_by_one_[peer] = true;
  }
  return failures;
}

bool EnetHost::send_datagram(Ipv4Endpoint to, std::span<const std::byte> bytes) {
  ENetBuffer buffer{};
  buffer.data = const_cast<std::byte*>(bytes.data());  // it serves sending and receiving alike
  buffer.dataLength = bytes.size();
  const ENetAddress address = to_enet(to);
  return enet_socket_send(host_->socket, &address, &buffer, 1) > 0;
}

void EnetHost::send_probe(Ipv4Endpoint to, std::span<const std::byte> bytes) {
  const WholeDatagrams whole(socket());
  if (!whole.is_on()) return;
  std::array<std::byte, kProbeBytes> probe{};
  std::copy(bytes.begin(), bytes.end(), probe.begin());
  static_cast<void>(send_datagram(to, probe));
}

Census EnetHost::census(const ConnectAttempt& attempt) const noexcept {
  Census census;
  const enet_uint32 id = ENET_HOST_TO_NET_32(attempt.id);  // ENet keeps it as it came
  for (std::size_t index = 0; index < host_->peerCount; ++index) {
    const ENetPeer& peer = at(index);
    const PeerPhase phase = this->phase(index);
    if (phase == PeerPhase::idle) ++census.idle;
    const bool is_here = phase == PeerPhase::half_open || phase == PeerPhase::up;
    if (!is_here || peer.address.host != attempt.from.host) continue;
    const bool is_same_caller = peer.address.port == attempt.from.port;
    if (is_same_caller && peer.connectID == id) census.is_known = true;
    if (is_same_caller && phase == PeerPhase::half_open) {
      census.half_open = index;
    } else {
      ++census.of_address;
    }
  }
  return census;
}

std::size_t EnetHost::expect_caller() noexcept {
  std::size_t index = 0;  // ENet takes the first one, too
  while (at(index).state != ENET_PEER_STATE_DISCONNECTED)
    ++index;
  enet_peer_timeout(&at(index), 0, kHourMs, kHourMs);
  unflushed_.mark(index);
  return index;
}

Result<void> EnetHost::connect(Ipv4Endpoint to, std::uint32_t data, std::uint32_t mtu) {
  // ENet counts connect ids up from here; its own seed is a pointer and the time of day.
  const auto seed = std::as_writable_bytes(std::span(&host_->randomSeed, 1));
  const ENetAddress address = to_enet(to);
  ENetPeer* peer = nullptr;
  at(0).mtu = mtu;
  if (fill_random(seed)) peer = enet_host_connect(host_, &address, host_->channelLimit, data);
  if (peer == nullptr) {
    return Error{ErrorCode::out_of_resources, 0, "Out of memory, or of random numbers."};
  }
  // How long to wait is the caller's business.
  enet_peer_timeout(peer, 0, kHourMs, kHourMs);
  unflushed_.mark(0);
  return {};
}

void EnetHost::configure(std::size_t index) {
  ENetPeer& peer = at(index);
  peer.mtu = peer.mtu < host_->mtu ? std::min<enet_uint32>(peer.mtu, kMtuBytes) : host_->mtu;
  one_by_one_[index] = false;
  // ENet's throttle would drop datagrams unseen, and takes a full queue for the way's own length.
  // Written here alone: its own call would set the other end's as well.
  peer.packetThrottle = ENET_PEER_PACKET_THROTTLE_SCALE;
  peer.packetThrottleAcceleration = ENET_PEER_PACKET_THROTTLE_SCALE;
  peer.packetThrottleDeceleration = 0;
  // The session pings; ENet's own is for a peer that the session has nothing to say to.
  enet_peer_ping_interval(&peer, to_ms(idle_ / 4));
}

// Who is silent is for the endpoint to say: ENet looks only when it repeats itself.
void EnetHost::watch_for_silence(std::size_t peer) {
  enet_peer_timeout(&at(peer), 0, to_ms(2 * idle_), to_ms(2 * idle_));
  // What has waited for an answer until now, however long, did not wait in silence.
  at(peer).earliestTimeout = 0;
}

std::size_t EnetHost::waiting_packets(std::size_t index) const {
  const ENetPeer& peer = at(index);
  std::size_t count = 0;
  for (ENetChannel& channel : std::span(peer.channels, peer.channelCount))
    count += enet_list_size(&channel.incomingReliableCommands);
  return count;
}

PathSample EnetHost::path(std::size_t peer) const {
  const ENetPeer& from = at(peer);
  return {std::chrono::milliseconds(from.roundTripTime), from.packetsSent, from.packetsLost};
}

void EnetHost::limit_backoff(std::size_t index) {
  ENetPeer& peer = at(index);
  const enet_uint32 most =
      to_ms(longest_resend_time(std::chrono::milliseconds(peer.roundTripTime),
                                std::chrono::milliseconds(peer.roundTripTimeVariance)));
  ENetList& sent = peer.sentReliableCommands;
  for (ENetListIterator it = sent.sentinel.next; it != &sent.sentinel; it = it->next) {
    auto& command = *reinterpret_cast<ENetOutgoingCommand*>(it);
    command.roundTripTimeout = std::min(command.roundTripTimeout, most);
    // ENet itself looks at the foremost alone, and another may be due before it.
    const enet_uint32 due = command.sentTime + command.roundTripTimeout;
    if (it == sent.sentinel.next || is_at_or_after(peer.nextTimeout, due)) peer.nextTimeout = due;
  }
}

void EnetHost::set_window(std::size_t peer, std::size_t bytes) {
  at(peer).windowSize = static_cast<enet_uint32>(bytes);
}

void EnetHost::send(std::size_t index, Packet packet, Lane lane, std::uint8_t channel,
                    SendLedger::Account& account) {
  ENetPeer& peer = at(index);
  if (peer.state != ENET_PEER_STATE_CONNECTED) return;
  // The other end may have fewer channels. Sharing the last one keeps each one's order.
  const std::size_t wanted = lane == Lane::reliable ? channel + 1u : 0u;
  const auto on = static_cast<enet_uint8>(std::min(wanted, peer.channelCount - 1));
  ENetPacket* sent = wrap(std::move(packet), lane, account);
  if (sent != nullptr && enet_peer_send(&peer, on, sent) == 0) return unflushed_.mark(index);
  if (sent != nullptr) enet_packet_destroy(sent);
  // Memory is short, and a gap in a reliable lane cannot be mended. The watch finds the slot idle.
  if (lane != Lane::datagram) reset(index);
}

_ENetPacket* EnetHost::wrap(Packet packet, Lane lane, SendLedger::Account& account) noexcept {
  const auto bytes = packet.bytes();
  const bool once = lane == Lane::datagram;
  const enet_uint32 flags = once ? ENET_PACKET_FLAG_UNSEQUENCED : ENET_PACKET_FLAG_RELIABLE;
  const auto kind = once ? SendLedger::Kind::datagram : SendLedger::Kind::reliable;
  ENetPacket* wrapped =
      enet_packet_create(bytes.data(), bytes.size(), flags | ENET_PACKET_FLAG_NO_ALLOCATE);
  if (wrapped == nullptr) return nullptr;
  try {
    wrapped->userData =
        &ledger_.open(packet.take_buffer(), account, bytes.size() + kPacketCostBytes, kind);
    wrapped->freeCallback = let_go;
  } catch (const std::bad_alloc&) {
    enet_packet_destroy(wrapped);
    return nullptr;
  }
  return wrapped;
}

void EnetHost::end_after_sending(std::size_t peer, Goodbye reason) {
  unflushed_.mark(peer);
  const auto turn = [&] {
    enet_peer_disconnect_later(&at(peer), static_cast<enet_uint32>(reason));
    return host_->serviceTime;
  };
  clock_->in_present(turn);
}

void EnetHost::end_now(std::size_t peer, Goodbye reason) {
  const auto turn = [&] {
    enet_peer_disconnect_now(&at(peer), static_cast<enet_uint32>(reason));
    return host_->serviceTime;
  };
  clock_->in_present(turn);
}

void EnetHost::reset(std::size_t peer) {
  enet_peer_reset(&at(peer));
}

std::size_t EnetHost::peers() const {
  return host_->peerCount;
}

PeerPhase EnetHost::phase(std::size_t peer) const {
  switch (at(peer).state) {
    case ENET_PEER_STATE_DISCONNECTED:
      return PeerPhase::idle;
    case ENET_PEER_STATE_CONNECTING:
    case ENET_PEER_STATE_CONNECTION_SUCCEEDED:
      return PeerPhase::connecting;
    case ENET_PEER_STATE_ACKNOWLEDGING_CONNECT:
    case ENET_PEER_STATE_CONNECTION_PENDING:
      return PeerPhase::half_open;
    case ENET_PEER_STATE_CONNECTED:
      return PeerPhase::up;
    default:
      return PeerPhase::ending;
  }
}

Ipv4Endpoint EnetHost::address(std::size_t peer) const {
  return {at(peer).address.host, at(peer).address.port};
}

std::uint32_t EnetHost::mtu(std::size_t peer) const {
  return at(peer).mtu;
}

// ENet counts bytes here once the checksum has shown that the peer sent them, for its sharing out
// of bandwidth, which never runs.
bool EnetHost::take_heard(std::size_t peer) {
  return std::exchange(at(peer).incomingDataTotal, 0u) != 0;
}

_ENetPeer& EnetHost::at(std::size_t peer) const {
  return host_->peers[peer];
}

std::optional<Ipv4Endpoint> parse_ipv4(const std::string& host, std::uint16_t port) {
  ENetAddress address{};
  if (enet_address_set_host_ip(&address, host.c_str()) != 0) return std::nullopt;
  return Ipv4Endpoint{address.host, port};
}

Address enet_address(Ipv4Endpoint endpoint) {
  char text[16] = {};
  const ENetAddress address = to_enet(endpoint);
  const bool is_written = enet_address_get_host_ip(&address, text, sizeof text) == 0;
  return {"enet", is_written ? text : "?", endpoint.port, {}, {}};
}

}  // namespace tickwire::detail
