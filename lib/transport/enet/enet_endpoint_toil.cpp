// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/error_text.hpp"
#include "lib/transport/enet/enet_datagram.hpp"
#include "lib/transport/enet/enet_endpoint.hpp"

/// What a peer's datagrams cost: ENet searches its lists from one end, and a peer that makes them
/// long and has them searched for nothing would keep the host from everybody else.
namespace tickwire::detail {

// Ordinary traffic leaves nothing waiting, and is not looked at a second time.
void EnetEndpoint::weigh(std::span<const std::byte> datagram) noexcept {
  const std::size_t index = addressee(datagram);
  if (index >= slots_.size()) return;
  const SendLedger::Account& account = slots_[index].account;
  const bool has_many = account.reliable_packets > kFewPackets;
  if (!has_many && !host_->has_gap(index)) return;
  Toil toil{.peer = index, .closed_packets = account.closed_packets};
  if (has_many) toil.steps_each = account.reliable_packets;
  std::array<NumberedCommand, kMaxCommands> commands;
  for (const auto& each : std::span(commands).first(read_numbers(datagram, commands))) {
    if (each.kind == NumberedCommand::Kind::acknowledgement) {
      ++toil.acknowledgements;
    } else {
      ++toil.packets;
      toil.steps += host_->steps_back(index, each.channel, each.number);
    }
  }
  toil_ = toil;
}

void EnetEndpoint::charge(EnetHost::Outcome outcome, Budget& budget) {
  const Toil toil = *std::exchange(toil_, std::nullopt);
  // A datagram without the connection's secret may be anybody's, and ENet has not gone into it.
  if (outcome == EnetHost::Outcome::useless) return;
  Slot& slot = slots_[toil.peer];
  const std::size_t found = slot.account.closed_packets - toil.closed_packets;
  const std::size_t unknown = toil.acknowledgements - std::min(toil.acknowledgements, found);
  const std::size_t steps = toil.steps + unknown * toil.steps_each;
  budget.steps -= std::min(budget.steps, steps);
  slot.steps += steps;
  slot.late_packets += toil.packets;
  const PeerPhase phase = host_->phase(toil.peer);
  if (phase != PeerPhase::up && phase != PeerPhase::ending) return;
  if (slot.steps > kMaxStepsPerPeer) {
    cut_for(toil.peer, "The other end repeats, again and again, what has long arrived.");
  } else if (slot.late_packets >= kPacketsPerCount) {
    check_waiting(toil.peer);
  }
}

void EnetEndpoint::check_waiting(std::size_t index) {
  slots_[index].late_packets = 0;
  if (host_->waiting_packets(index) <= kMaxWaitingPackets) return;
  cut_for(index, "The other end sends on behind a packet that it does not repeat.");
}

void EnetEndpoint::cut_for(std::size_t index, const char* sentence) {
  if (std::exchange(slots_[index].ending_until, std::nullopt)) --ending_;
  drop(index, error_with_text(ErrorCode::protocol_violation, [&] { return sentence; }));
}

}  // namespace tickwire::detail
