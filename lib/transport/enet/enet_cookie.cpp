// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_cookie.hpp"

#include "lib/base/bytes.hpp"
#include "lib/platform/random.hpp"
#include "lib/transport/enet/enet_profile.hpp"

namespace tickwire::detail {
namespace {

// The first byte has the bit that says "compressed" to ENet, which nobody here is: it is no packet
// to either end.
constexpr std::uint32_t kQuestionMagic = 0x3f434b54;  // TKC?
constexpr std::uint32_t kAnswerMagic = 0x21434b54;    // TKC!
static_assert((kQuestionMagic & 0x40) != 0 && (kAnswerMagic & 0x40) != 0);

std::optional<SipHash> random_key() noexcept {
  SipHash::Key key{};
  if (!fill_random(key)) return std::nullopt;
  return SipHash(key);
}

std::uint32_t cookie_of(const SipHash& key, Ipv4Endpoint whom) noexcept {
  std::array<std::byte, 6> address{};
  store(address.data(), whom.host);
  store(address.data() + 4, whom.port);
  return static_cast<std::uint32_t>(key(address));
}

}  // namespace

std::optional<CookieDatagram> read_cookie_datagram(std::span<const std::byte> datagram) noexcept {
  const bool is_probe = datagram.size() == kProbeBytes;
  if (datagram.size() != kCookieDatagramBytes && !is_probe) return std::nullopt;
  const auto magic = load<std::uint32_t>(datagram.data());
  const auto nonce = load<std::uint64_t>(datagram.data() + 4);
  const auto cookie = load<std::uint32_t>(datagram.data() + 12);
  if (magic == kAnswerMagic)
    return CookieDatagram{CookieDatagram::Kind::answer, nonce, cookie, is_probe};
  if (magic != kQuestionMagic || cookie != 0) return std::nullopt;
  return CookieDatagram{CookieDatagram::Kind::question, nonce, 0, is_probe};
}

CookieBytes write_cookie_datagram(const CookieDatagram& datagram) noexcept {
  const bool asks = datagram.kind == CookieDatagram::Kind::question;
  CookieBytes bytes{};
  store(bytes.data(), asks ? kQuestionMagic : kAnswerMagic);
  store(bytes.data() + 4, datagram.nonce);
  store(bytes.data() + 12, asks ? 0u : datagram.cookie);
  return bytes;
}

std::optional<CookieJar> CookieJar::open(TimePoint now) {
  const auto key = random_key();
  if (!key) return std::nullopt;
  return CookieJar(*key, now);
}

std::uint32_t CookieJar::bake(Ipv4Endpoint whom, TimePoint now) noexcept {
  change_keys(now);
  return cookie_of(current_, whom);
}

bool CookieJar::holds(std::uint32_t cookie, Ipv4Endpoint whom, TimePoint now) noexcept {
  change_keys(now);
  return cookie == cookie_of(current_, whom) || (last_ && cookie == cookie_of(*last_, whom));
}

void CookieJar::change_keys(TimePoint now) noexcept {
  const Duration age = now - changed_at_;
  if (age < kCookieTime) return;
  const auto fresh = random_key();
  // The key in use is still better than none; the next call tries again.
  if (!fresh) return;
  last_ = age < 2 * kCookieTime ? std::optional(current_) : std::nullopt;
  current_ = *fresh;
  changed_at_ = now;
}

}  // namespace tickwire::detail
