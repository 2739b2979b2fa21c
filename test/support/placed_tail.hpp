// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "lib/session/session.hpp"

namespace tickwire::test {

/// Gives a session a packet as a stream does of which `front_bytes` have come so far: where the
/// session has a place for the rest, that goes there. Answers whether it had.
inline bool receive_in_place(detail::Session& session, detail::Packet packet,
                             std::size_t front_bytes, TimePoint now) {
  const std::span<const std::byte> bytes = packet.bytes();
  const auto front = bytes.first(std::min(front_bytes, bytes.size()));
  const detail::TailPlace place = session.place_tail(front, bytes.size(), now);
  if (place.room.size == 0) {
    session.receive(std::move(packet), now);
    return false;
  }
  if (place.front_bytes > front.size() || place.front_bytes + place.room.size != bytes.size())
    throw std::logic_error("the place is not that of the packet's tail");
  std::ranges::copy(bytes.subspan(place.front_bytes), place.room.bytes().begin());
  session.receive_tail(now);
  return true;
}

}  // namespace tickwire::test
