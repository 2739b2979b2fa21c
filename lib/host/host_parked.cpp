// SPDX-License-Identifier: MIT
#include <new>

#include "lib/host/host_core.hpp"

/// Who waits for reassembly memory, and whose turn it is.
namespace tickwire::detail {

void HostCore::retry_parked() {
  if (parked_.empty()) {
    reassembly_.begin_turn();
    return shortage_.end();
  }
  shortage_.watch(table_, now_, [&](Peer& peer) {
    peer.session->fail({ErrorCode::protocol_violation, 0,
                        "The other end began a large message and did not go on with it, while "
                        "others waited for the memory."});
    on_peer_changed(peer.slot());
  });
  serve_parked();
}

// Who has waited longest comes first, and nobody behind him gets memory before him. Who has got
// some of it and wants more goes to the end.
void HostCore::serve_parked() {
  scratch_slots_.swap(parked_);
  for (auto next = scratch_slots_.begin(); next != scratch_slots_.end(); ++next) {
    Peer& peer = table_[*next];
    if (!peer.is_used()) continue;
    const std::uint64_t before = reassembly_.reservations();
    try {
      peer.session->retry_parked(now_);
    } catch (const std::bad_alloc&) {
      peer.session->fail({ErrorCode::out_of_resources, 0, {}});  // a text would need memory
    }
    const bool is_last = peer.session->has_parked() && reassembly_.is_short();
    if (is_last) {
      const bool has_got_some = reassembly_.reservations() != before;
      parked_.insert(parked_.begin(), has_got_some ? next + 1 : next, scratch_slots_.end());
    }
    on_peer_changed(*next);
    if (is_last) break;
  }
  scratch_slots_.clear();
}

}  // namespace tickwire::detail
