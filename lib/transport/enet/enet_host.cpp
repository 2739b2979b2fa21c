// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_host.hpp"

#include <enet/enet.h>

#include <algorithm>
#include <array>

#include "lib/platform/inheritance.hpp"
#include "lib/platform/socket_errno.hpp"
#include "lib/platform/whole_datagrams.hpp"
#include "lib/transport/enet/crc32.hpp"
#include "lib/transport/enet/enet_datagram.hpp"

namespace tickwire::detail {
namespace {

static_assert(kUnassignedPeer == ENET_PROTOCOL_MAXIMUM_PEER_ID);
static_assert(kMaxPeers == ENET_PROTOCOL_MAXIMUM_PEER_ID);
static_assert(kMinEnetWindowBytes == ENET_PROTOCOL_MINIMUM_WINDOW_SIZE);
static_assert(kMaxEnetWindowBytes == ENET_PROTOCOL_MAXIMUM_WINDOW_SIZE);
static_assert(kEnetOverheadBytes ==
              sizeof(ENetProtocolHeader) + sizeof(ENetProtocolSendFragment) + sizeof(enet_uint32));
static_assert(kProbeBytes <= ENET_PROTOCOL_MAXIMUM_MTU);  // the size of its own buffers

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

std::size_t size_of(std::span<const ENetBuffer> pieces) {
  std::size_t size = 0;
  for (const ENetBuffer& each : pieces)
    size += each.dataLength;
  return size;
}

// The checksum is the last of a header, which ENet has in the first piece.
enet_uint32 gather(DatagramBatch& batch, std::span<const ENetBuffer> pieces) {
  const std::span datagram = batch.add(size_of(pieces));
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

template <class Crc>
enet_uint32 checksum_by(Crc crc, std::span<const ENetBuffer> pieces) {
  for (const ENetBuffer& each : pieces)
    crc.add(bytes_of(each));
  return ENET_HOST_TO_NET_32(crc.value());
}

// ENet writes the connection's secret 32-bit id where the checksum goes before it asks for it, and
// sends what it has asked for.
enet_uint32 ENET_CALLBACK checksum(const ENetBuffer* buffers, std::size_t count) {
  const std::span pieces(buffers, count);
  if (gathering != nullptr) return gather(*gathering, pieces);
  const std::size_t size = size_of(pieces);
  if (ShortCrc32::serves(size)) return checksum_by(ShortCrc32(size), pieces);
  return checksum_by(Crc32(), pieces);
}

// Adds up what waits in a list, until it is more than so much.
std::size_t add_waiting(ENetList& list, std::size_t bytes, std::size_t most) {
  const ENetListNode* const end = &list.sentinel;
  for (ENetListIterator it = enet_list_begin(&list); it != end && bytes <= most; it = it->next)
    bytes += reinterpret_cast<const ENetOutgoingCommand*>(it)->fragmentLength;
  return bytes;
}

// Whether what waits for the peer may be more than one datagram. ENet 1.3.18 has a list of its own
// for what is reliable.
template <class Peer>
bool fills_several(Peer& peer) {
  std::size_t bytes = add_waiting(peer.outgoingCommands, 0, peer.mtu);
  if constexpr (requires { peer.outgoingSendReliableCommands; })
    bytes = add_waiting(peer.outgoingSendReliableCommands, bytes, peer.mtu);
  return bytes > peer.mtu;
}

ENetAddress to_enet(Ipv4Endpoint endpoint) {
  return {endpoint.host, endpoint.port};
}

// What a read that found nothing says of the socket; where the system says nothing, the socket
// itself is asked.
bool is_socket_empty(const ENetHost& host, int code) {
  if (is_would_block(code)) return true;
  enet_uint32 condition = ENET_SOCKET_WAIT_RECEIVE;
  return enet_socket_wait(host.socket, &condition, 0) != 0 ||
         (condition & ENET_SOCKET_WAIT_RECEIVE) == 0;
}

// What does not leave because there is no room now is as good as lost on its way.
bool has_failed(int code) {
  return code != 0 && !is_would_block(code);
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
  clear_socket_error();
  ENetHost* host =
      enet_host_create(config.bind ? &bind : nullptr, config.peers, config.channels + 1, 0, 0);
  if (host == nullptr) {
    const int why = last_socket_error();
    return Error{code_of_socket_error(why), why, {}};
  }
  keep_from_children(static_cast<SocketHandle>(host->socket));
  return std::unique_ptr<EnetHost>(new EnetHost(host, config, std::move(clock)));
}

EnetHost::EnetHost(_ENetHost* host, const EnetHostConfig& config, std::shared_ptr<EnetClock> clock)
    : host_(host),
      clock_(std::move(clock)),
      idle_(config.idle),
      filter_(config.filter),
      batch_(can_send_segmented(static_cast<SocketHandle>(host->socket)) ? config.batch : nullptr),
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
  Outcome outcome = Outcome::quiet;
  const auto turn = [&] {
    host_->peerCount = 0;
    outcome = serve(raw);
    host_->peerCount = peers_;
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
  return translate(outcome, raw, event);
}

// One call of ENet's, which reads one datagram at most. Without an event it would read 256: so it
// has no socket behind the first, and fails to read on where that one has brought nothing about.
EnetHost::Outcome EnetHost::serve(_ENetEvent& raw) {
  const ENetSocket socket = host_->socket;
  has_taken_ = false;
  clear_socket_error();
  const int outcome = enet_host_service(host_, &raw, 0);
  const int code = last_socket_error();
  host_->socket = socket;
  if (outcome > 0) return Outcome::event;
  if (outcome == 0) {
    // An empty datagram looks like none at all, and others may wait behind it.
    if (is_socket_empty(*host_, code)) return Outcome::quiet;
    has_taken_ = true;
    return Outcome::event;
  }
  // A datagram that is larger than ENet's memory for it has failed nothing in the system.
  has_taken_ = has_taken_ || code == 0;
  return has_taken_ ? Outcome::useless : Outcome::failed;
}

int EnetHost::intercept(ENetHost* host, ENetEvent* event) {
  auto& self = *static_cast<EnetHost*>(host->compressor.context);
  self.has_taken_ = true;
  host->peerCount = self.peers_;
  event->type = ENET_EVENT_TYPE_RECEIVE;  // of no peer
  const std::span datagram(reinterpret_cast<const std::byte*>(host->receivedData),
                           host->receivedDataLength);
  const Ipv4Endpoint from{host->receivedAddress.host, host->receivedAddress.port};
  if (self.filter_->inspect(datagram, from) == Admission::drop) return 1;
  self.unflushed_.mark(addressee(datagram));
  host->socket = ENET_SOCKET_NULL;
  return 0;
}

EnetHost::Outcome EnetHost::take_turn(EnetEvent& event) {
  ENetEvent raw{};
  Outcome outcome = Outcome::quiet;
  const auto turn = [&] {
    // Nobody here limits bandwidth. ENet would share it out every second all the same, and tell
    // every peer after each coming and going.
    host_->bandwidthThrottleEpoch = enet_time_get();
    outcome = serve(raw);
    return host_->serviceTime;
  };
  clock_->in_present(now_, turn);
  return translate(outcome, raw, event);
}

EnetHost::Outcome EnetHost::next_event(EnetEvent& event) {
  ENetEvent raw{};
  const bool is_event = enet_host_check_events(host_, &raw) > 0;
  return translate(is_event ? Outcome::event : Outcome::quiet, raw, event);
}

EnetHost::Outcome EnetHost::translate(Outcome outcome, const _ENetEvent& raw,
                                      EnetEvent& event) const {
  event = EnetEvent();
  if (outcome != Outcome::event || raw.peer == nullptr) return outcome;
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
  return outcome;
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

// It tells nobody but the system's last error that the kernel did not send, and the next call goes
// on behind what that was.
std::size_t EnetHost::flush_by_enet(std::size_t tries) {
  std::size_t failures = 0;
  for (; failures < tries; ++failures) {
    clear_socket_error();
    enet_host_flush(host_);
    if (!has_failed(last_socket_error())) break;
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
    const auto sent = batch_->send(this->socket(), to);
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
