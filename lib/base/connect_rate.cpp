// SPDX-License-Identifier: MIT
#include "lib/base/connect_rate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "lib/base/bytes.hpp"

namespace tickwire::detail {
namespace {

constexpr std::size_t kSets = 1024;
constexpr std::size_t kWays = 4;
constexpr double kMinBurst = 4;
constexpr Duration kSecond = std::chrono::seconds(1);

// And the end behind it, if it is there; 0 where the text begins with no number.
std::uint64_t take_number(std::string_view& text, int base, char end) noexcept {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  if (!text.empty() && text.front() == end) text.remove_prefix(1);
  return error == std::errc() ? value : 0;
}

std::size_t groups_in(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto colons = static_cast<std::size_t>(std::count(text.begin(), text.end(), ':'));
  // IPv4 numbers at the end stand for two.
  return colons + 1 + (text.find('.') != std::string_view::npos ? 1 : 0);
}

Subscriber ipv6_subscriber(std::string_view host) noexcept {
  constexpr std::size_t all = 8;
  constexpr std::size_t wanted = 4;
  const std::size_t gap = host.find("::");
  std::string_view left = host.substr(0, gap);
  std::string_view right =
      gap == std::string_view::npos ? std::string_view() : host.substr(gap + 2);
  const std::size_t before = groups_in(left);
  const std::size_t behind = groups_in(right);
  std::uint64_t prefix = 0;
  for (std::size_t group = 0; group < wanted; ++group) {
    std::uint64_t value = 0;
    if (group < before) {
      value = take_number(left, 16, ':');
    } else if (group + behind >= all) {
      value = take_number(right, 16, ':');
    }
    prefix = prefix << 16 | (value & 0xffff);
  }
  return Subscriber{prefix};
}

}  // namespace

Subscriber subscriber_of(std::string_view host) noexcept {
  if (host.find(':') != std::string_view::npos) return ipv6_subscriber(host);
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part)
    address = address << 8 | static_cast<std::uint32_t>(take_number(host, 10, '.') & 0xff);
  return ipv4_subscriber(address);
}

ConnectRate::ConnectRate(double per_second, const SipHash::Key& key)
    : hash_(key),
      interval_(static_cast<std::int64_t>(static_cast<double>(kSecond.count()) / per_second)),
      depth_(static_cast<std::int64_t>(std::max(kMinBurst, std::floor(per_second)) - 1) *
             interval_),
      buckets_(kSets * kWays) {}

bool ConnectRate::take(Subscriber who, TimePoint now) noexcept {
  const std::span<Bucket> ways = std::span(buckets_).subspan(first_way(who), kWays);
  const auto is_theirs = [&](const Bucket& each) { return each.who == who; };
  auto bucket = std::find_if(ways.begin(), ways.end(), is_theirs);
  if (bucket == ways.end()) {
    const auto is_fuller = [](const Bucket& a, const Bucket& b) { return a.full_at < b.full_at; };
    bucket = std::min_element(ways.begin(), ways.end(), is_fuller);
    *bucket = {who, now};
  }
  if (!has_room(*bucket, now)) return false;
  bucket->full_at = std::max(bucket->full_at, now) + interval_;
  return true;
}

bool ConnectRate::allows(Subscriber who, TimePoint now) const noexcept {
  const auto ways = std::span(buckets_).subspan(first_way(who), kWays);
  return std::none_of(ways.begin(), ways.end(),
                      [&](const Bucket& each) { return each.who == who && !has_room(each, now); });
}

std::size_t ConnectRate::first_way(Subscriber who) const noexcept {
  std::array<std::byte, 8> name{};
  store(name.data(), static_cast<std::uint64_t>(who));
  return static_cast<std::size_t>(hash_(name) % kSets) * kWays;
}

bool ConnectRate::has_room(const Bucket& bucket, TimePoint now) const noexcept {
  return std::max(bucket.full_at, now) - now <= depth_;
}

}  // namespace tickwire::detail
