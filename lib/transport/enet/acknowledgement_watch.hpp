// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tickwire/clock.hpp>

#include "lib/transport/enet/enet_profile.hpp"
#include "lib/transport/enet/send_ledger.hpp"

namespace tickwire::detail {

/// Tells who leaves what he was sent unacknowledged, by what the ledger has settled: an
/// acknowledgement of what was never sent, or is acknowledged already, settles nothing.
class AcknowledgementWatch {
 public:
  void begin(const SendLedger::Account& account, TimePoint now) noexcept {
    any_ = {account.closed_packets, now};
    oldest_ = {account.paid_back_packets, now};
  }
  /// Whether anything has waited for `patience` and nothing was acknowledged meanwhile, or the
  /// oldest packet for `kPatienceWithOldest` times as long. To be asked every quarter of a second.
  [[nodiscard]] bool is_over(const SendLedger::Account& account, TimePoint now,
                             Duration patience) noexcept {
    if (account.oldest == nullptr) begin(account, now);
    if (any_.settled != account.closed_packets) any_ = {account.closed_packets, now};
    if (oldest_.settled != account.paid_back_packets) oldest_ = {account.paid_back_packets, now};
    return now - any_.since >= patience || now - oldest_.since >= kPatienceWithOldest * patience;
  }

 private:
  struct Mark {
    std::uint32_t settled = 0;  // packets of the account
    TimePoint since{};
  };
  Mark any_;
  Mark oldest_;
};

}  // namespace tickwire::detail
