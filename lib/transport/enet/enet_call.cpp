// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_call.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/platform/random.hpp"

namespace tickwire::detail {
namespace {

using std::chrono::milliseconds;

constexpr Duration kFirstInterval = milliseconds(200);
constexpr Duration kLongestInterval = milliseconds(1000);
// For a CONNECT to be completed. ENet repeats it after 0.5, 1.5 and 3.5 seconds.
constexpr Duration kPatienceWithOne = std::chrono::seconds(10);
constexpr Duration kPatienceWithSeveral = std::chrono::seconds(3);
// A CONNECT whose cookie is too old would be repeated in vain.
static_assert(kPatienceWithOne < kCookieTime);

}  // namespace

Result<EnetCall> EnetCall::begin(std::vector<Ipv4Endpoint> candidates, TimePoint now) {
  std::uint64_t nonce = 0;
  if (!fill_random(std::as_writable_bytes(std::span(&nonce, 1)))) {
    return Error{ErrorCode::out_of_resources, 0, "The system has no random numbers."};
  }
  return EnetCall(std::move(candidates), nonce, now);
}

EnetCall::EnetCall(std::vector<Ipv4Endpoint> candidates, std::uint64_t nonce, TimePoint now)
    : candidates_(std::move(candidates)), nonce_(nonce), ask_at_(now) {}

std::span<const Ipv4Endpoint> EnetCall::due(TimePoint now) {
  if (!is_asking() || answer_ || now < ask_at_) return {};
  const bool all_asked = asked_ == candidates_.size();
  interval_ = all_asked ? std::min(2 * interval_, kLongestInterval) : kFirstInterval;
  if (!all_asked) ++asked_;
  ask_at_ = now + interval_;
  return std::span(candidates_).first(asked_);
}

CookieBytes EnetCall::question() const noexcept {
  return write_cookie_datagram({CookieDatagram::Kind::question, nonce_, 0});
}

bool EnetCall::take(const CookieDatagram& answer, Ipv4Endpoint from) noexcept {
  const bool is_theirs =
      std::find(candidates_.begin(), candidates_.end(), from) != candidates_.end();
  if (answer.kind != CookieDatagram::Kind::answer || answer.nonce != nonce_ || !is_theirs) {
    return false;
  }
  if (is_asking() && !answer_) answer_ = Knock{from, answer.cookie, answer.is_probe};
  return true;
}

std::optional<EnetCall::Knock> EnetCall::knock(TimePoint now) {
  if (!answer_) return std::nullopt;
  knocked_at_ = now;
  // Should it not open, it comes last.
  const auto there = std::find(candidates_.begin(), candidates_.end(), answer_->at);
  std::rotate(there, there + 1, candidates_.end());
  return std::exchange(answer_, std::nullopt);
}

bool EnetCall::starts_over(TimePoint now) {
  const Duration patience = candidates_.size() > 1 ? kPatienceWithSeveral : kPatienceWithOne;
  if (!knocked_at_ || now - *knocked_at_ < patience) return false;
  knocked_at_.reset();
  asked_ = 0;
  ask_at_ = now;
  return true;
}

std::optional<TimePoint> EnetCall::next_deadline() const noexcept {
  if (!is_asking()) return std::nullopt;
  return ask_at_;
}

}  // namespace tickwire::detail
