// SPDX-License-Identifier: MIT
#include "lib/transport/enet/send_ledger.hpp"

namespace tickwire::detail {

SendLedger::Record& SendLedger::open(BufferRef buffer, Account& account, std::size_t cost_bytes,
                                     Kind kind) {
  if (idle_ == nullptr) idle_ = &records_.emplace_back();
  Record& record = *std::exchange(idle_, idle_->next);
  record = {this, &account, std::move(buffer), cost_bytes, nullptr, kind, false};
  share_of(account, kind) += cost_bytes;
  total_bytes_ += cost_bytes;
  if (kind != Kind::datagram) {
    ++account.reliable_packets;
    (account.oldest == nullptr ? account.oldest : account.newest->next) = &record;
    account.newest = &record;
  }
  return record;
}

void SendLedger::settle(Record& record) noexcept {
  record.buffer = BufferRef();
  if (record.kind == Kind::datagram) return pay_back(record);
  record.closed = true;
  Account& account = *record.account;
  ++account.closed_packets;
  while (account.oldest != nullptr && account.oldest->closed) {
    account.paid_back_bytes += account.oldest->cost_bytes;
    --account.reliable_packets;
    ++account.paid_back_packets;
    pay_back(*std::exchange(account.oldest, account.oldest->next));
  }
}

void SendLedger::pay_back(Record& record) noexcept {
  share_of(*record.account, record.kind) -= record.cost_bytes;
  total_bytes_ -= record.cost_bytes;
  record.next = std::exchange(idle_, &record);
}

std::size_t& SendLedger::share_of(Account& account, Kind kind) noexcept {
  switch (kind) {
    case Kind::control:
      return account.control_bytes;
    case Kind::datagram:
      return account.datagram_bytes;
    case Kind::reliable:
      break;
  }
  return account.reliable_bytes;
}

}  // namespace tickwire::detail
