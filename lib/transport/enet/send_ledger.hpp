// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Keeps the blocks of packets that ENet holds until it lets go of them, and what they cost.
///
/// Lifetime: outlives every record that is open.
/// Memory:   records are used again; it grows with the largest number that were open at once.
class SendLedger {
 public:
  enum class Kind : std::uint8_t { reliable, control, datagram };
  struct Account;

  struct Record {
    SendLedger* ledger = nullptr;
    Account* account = nullptr;
    BufferRef buffer;
    std::size_t cost_bytes = 0;
    Record* next = nullptr;  // in its account, or among the idle
    Kind kind = Kind::reliable;
    bool closed = false;
  };

  /// What one peer costs. Reliable packets are paid back in the order in which they were sent: ENet
  /// acknowledges one by one and would send on and on behind a lost packet, until the other end's
  /// `maximumWaitingData` is full, and then refuses the lost one itself.
  struct Account {
    std::size_t reliable_bytes = 0;
    std::size_t control_bytes = 0;
    std::size_t datagram_bytes = 0;
    std::size_t reliable_packets = 0;     // control packets among them, here and below
    std::size_t paid_back_bytes = 0;      // of reliable packets, since the owner took note
    std::uint32_t paid_back_packets = 0;  // of them; wraps
    std::uint32_t closed_packets = 0;     // reliable ones, in any order; wraps
    Record* oldest = nullptr;
    Record* newest = nullptr;
  };

  SendLedger() = default;
  SendLedger(const SendLedger&) = delete;
  SendLedger& operator=(const SendLedger&) = delete;

  [[nodiscard]] Record& open(BufferRef buffer, Account& account, std::size_t cost_bytes, Kind kind);
  static void close(Record& record) noexcept { record.ledger->settle(record); }

  /// Over all accounts.
  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_bytes_; }

 private:
  void settle(Record& record) noexcept;
  void pay_back(Record& record) noexcept;
  [[nodiscard]] static std::size_t& share_of(Account& account, Kind kind) noexcept;

  std::deque<Record> records_;
  Record* idle_ = nullptr;
  std::size_t total_bytes_ = 0;
};

}  // namespace tickwire::detail
