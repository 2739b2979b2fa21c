// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_host.hpp"

#include <enet/enet.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "lib/platform/random.hpp"

/// The slots of an ENet host: who has one, what it is set to, and what is sent to it.
namespace tickwire::detail {
namespace {

constexpr enet_uint32 kHourMs = 60 * 60 * 1000;

SendLedger::Kind kind_of(Lane lane) {
  switch (lane) {
    case Lane::control:
      return SendLedger::Kind::control;
    case Lane::datagram:
      return SendLedger::Kind::datagram;
    case Lane::reliable:
      break;
  }
  return SendLedger::Kind::reliable;
}

void ENET_CALLBACK let_go(ENetPacket* packet) {
  SendLedger::close(*static_cast<SendLedger::Record*>(packet->userData));
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

Census EnetHost::census(const ConnectAttempt& attempt) const noexcept {
  Census census;
  const enet_uint32 id = ENET_HOST_TO_NET_32(attempt.id);  // ENet keeps it as it came
  for (std::size_t index = 0; index < host_->peerCount; ++index) {
    const ENetPeer& peer = at(index);
    const PeerPhase phase = this->phase(index);
    ++census.steps;
    if (phase == PeerPhase::idle) {
      ++census.idle;
      continue;
    }
    if (peer.address.host != attempt.from.host) continue;
    const bool is_same_caller = peer.address.port == attempt.from.port;
    if (is_same_caller && peer.connectID == id) {
      census.is_known = true;
      break;  // the rest makes no difference
    }
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
  const ENetAddress address{to.host, to.port};
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

// Who is silent is for the endpoint to say, and so is who leaves a packet unacknowledged: ENet
// looks only when it repeats itself, and any acknowledgement satisfies it, be it of nothing.
void EnetHost::watch_for_silence(std::size_t peer) {
  enet_peer_timeout(&at(peer), 0, to_ms(2 * idle_), to_ms(2 * idle_));
  // What has waited for an answer until now, however long, did not wait in silence.
  at(peer).earliestTimeout = 0;
}

// Its packets are never empty, so that their bytes tell.
bool EnetHost::has_gap(std::size_t peer) const {
  return at(peer).totalWaitingData != 0;
}

// ENet keeps what waits in order, and looks for a place from the newest back: it passes no more
// packets than there are numbers in between, and none for what it has or will not take.
std::size_t EnetHost::steps_back(std::size_t index, std::uint8_t on, std::uint16_t number) const {
  constexpr std::uint16_t half = 0x8000;
  const ENetPeer& peer = at(index);
  if (on >= peer.channelCount) return 0;
  ENetChannel& channel = peer.channels[on];
  if (enet_list_empty(&channel.incomingReliableCommands)) return 0;
  const ENetListNode* const newest = channel.incomingReliableCommands.sentinel.previous;
  const auto ahead = static_cast<std::uint16_t>(number - channel.incomingReliableSequenceNumber);
  const auto back = static_cast<std::uint16_t>(
      reinterpret_cast<const ENetIncomingCommand*>(newest)->reliableSequenceNumber - number);
  return ahead == 0 || ahead >= half || back >= half ? 0 : back + 1u;
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

bool EnetHost::send(std::size_t index, Packet packet, Lane lane, std::uint8_t channel,
                    SendLedger::Account& account) {
  ENetPeer& peer = at(index);
  if (peer.state != ENET_PEER_STATE_CONNECTED) return true;
  // The other end may have fewer channels. Sharing the last one keeps each one's order.
  const std::size_t wanted = lane == Lane::reliable ? channel + 1u : 0u;
  const auto on = static_cast<enet_uint8>(std::min(wanted, peer.channelCount - 1));
  ENetPacket* sent = wrap(std::move(packet), lane, account);
  if (sent != nullptr && enet_peer_send(&peer, on, sent) == 0) {
    unflushed_.mark(index);
    return true;
  }
  if (sent != nullptr) enet_packet_destroy(sent);
  if (lane == Lane::datagram) return true;
  // Memory is short, and a gap in a reliable lane cannot be mended.
  reset(index);
  return false;
}

_ENetPacket* EnetHost::wrap(Packet packet, Lane lane, SendLedger::Account& account) noexcept {
  const auto bytes = packet.bytes();
  const bool once = lane == Lane::datagram;
  const enet_uint32 flags = once ? ENET_PACKET_FLAG_UNSEQUENCED : ENET_PACKET_FLAG_RELIABLE;
  ENetPacket* wrapped =
      enet_packet_create(bytes.data(), bytes.size(), flags | ENET_PACKET_FLAG_NO_ALLOCATE);
  if (wrapped == nullptr) return nullptr;
  try {
    wrapped->userData = &ledger_.open(packet.take_buffer(), account,
                                      bytes.size() + kPacketCostBytes, kind_of(lane));
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

}  // namespace tickwire::detail
