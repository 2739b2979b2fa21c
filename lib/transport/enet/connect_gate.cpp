// SPDX-License-Identifier: MIT
#include "lib/transport/enet/connect_gate.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <string_view>

namespace tickwire::detail {
namespace {

Subscriber subscriber_at(Ipv4Endpoint from) noexcept {
  std::uint32_t address = 0;
  for (const auto byte : std::bit_cast<std::array<std::uint8_t, 4>>(from.host))
    address = address << 8 | byte;
  return ipv4_subscriber(address);
}

}  // namespace

// A flood asks this for every datagram, so the text is made without memory.
bool ConnectGate::refuses(Ipv4Endpoint from) const {
  if (limits_.access == nullptr) return false;
  std::array<char, 16> text{};
  char* end = text.data();
  for (const auto byte : std::bit_cast<std::array<std::uint8_t, 4>>(from.host)) {
    if (end != text.data()) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), byte).ptr;
  }
  return limits_.access->refuses({text.data(), static_cast<std::size_t>(end - text.data())});
}

CookieDatagram ConnectGate::answer(const CookieDatagram& question, Ipv4Endpoint from,
                                   TimePoint now) noexcept {
  return {CookieDatagram::Kind::answer, question.nonce, jar_.bake(from, now)};
}

bool ConnectGate::is_proven(const ConnectAttempt& attempt, TimePoint now) noexcept {
  return jar_.holds(attempt.cookie, attempt.from, now);
}

bool ConnectGate::is_too_often(const ConnectAttempt& attempt, TimePoint now) const noexcept {
  return limits_.rate != nullptr && !limits_.rate->allows(subscriber_at(attempt.from), now);
}

Entry ConnectGate::consider(const ConnectAttempt& attempt, const Census& census,
                            TimePoint now) noexcept {
  if (census.is_known) return Entry::known;
  if (limits_.per_address && census.of_address >= *limits_.per_address) return Entry::crowded;
  if (census.idle == 0 && !census.half_open) return Entry::full;
  const bool in_time =
      limits_.rate == nullptr || limits_.rate->take(subscriber_at(attempt.from), now);
  return in_time ? Entry::admit : Entry::too_often;
}

}  // namespace tickwire::detail
