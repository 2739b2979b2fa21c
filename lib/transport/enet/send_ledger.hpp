// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Bytes that ENet still holds for one peer.
struct SendAccount {
  std::size_t bytes = 0;
};

/// Keeps the blocks of packets that ENet holds, and what they cost, until ENet lets go of them.
///
/// Lifetime: outlives every record that is open.
/// Memory:   records are used again; it grows with the largest number that were open at once.
class SendLedger {
 public:
  struct Record {
    SendLedger* ledger = nullptr;
    BufferRef buffer;
    SendAccount* account = nullptr;
    std::size_t cost_bytes = 0;
    Record* next_idle = nullptr;
  };

  SendLedger() = default;
  SendLedger(const SendLedger&) = delete;
  SendLedger& operator=(const SendLedger&) = delete;

  [[nodiscard]] Record& open(BufferRef buffer, SendAccount& account, std::size_t cost_bytes) {
    if (idle_ == nullptr) idle_ = &records_.emplace_back();
    Record& record = *std::exchange(idle_, idle_->next_idle);
    record = {this, std::move(buffer), &account, cost_bytes, nullptr};
    account.bytes += cost_bytes;
    total_bytes_ += cost_bytes;
    return record;
  }

  static void close(Record& record) noexcept {
    SendLedger& ledger = *record.ledger;
    record.account->bytes -= record.cost_bytes;
    ledger.total_bytes_ -= record.cost_bytes;
    record.buffer = BufferRef();
    record.next_idle = std::exchange(ledger.idle_, &record);
  }

  /// Over all accounts.
  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_bytes_; }

 private:
  std::deque<Record> records_;
  Record* idle_ = nullptr;
  std::size_t total_bytes_ = 0;
};

}  // namespace tickwire::detail
