// SPDX-License-Identifier: MIT
#include "lib/features/accounts/tries.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace tickwire::detail {
namespace {

// Of one side of a "::".
std::vector<std::string> groups_of(std::string_view text) {
  std::vector<std::string> groups;
  while (!text.empty()) {
    const auto colon = text.find(':');
    groups.emplace_back(text.substr(0, colon));
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
    // IPv4 numbers stand for two groups.
    if (groups.back().find('.') != std::string::npos) groups.emplace_back("0");
  }
  return groups;
}

std::string user_key(const std::string& user) {
  return "user " + user;
}

}  // namespace

std::string subscriber_text(const Address& address) {
  constexpr std::size_t all = 8, wanted = 4;
  const std::string_view host = address.host;
  if (host.find(':') == std::string_view::npos) return "address " + address.host;
  const auto gap = host.find("::");
  std::vector<std::string> groups = groups_of(host.substr(0, gap));
  if (gap != std::string_view::npos) {
    const auto tail = groups_of(host.substr(gap + 2));
    while (groups.size() + tail.size() < all)
      groups.emplace_back("0");
    groups.insert(groups.end(), tail.begin(), tail.end());
  }
  groups.resize(wanted);
  std::string text = "address ";
  for (const std::string& each : groups)
    text.append(each).append(":");
  return text;
}

Tries::Attempt::Attempt(Tries& tries, std::string address, std::string user, Duration delay)
    : tries_(tries), address_(std::move(address)), user_(std::move(user)), delay_(delay) {
  ++tries_.under_way_[address_];
  ++tries_.under_way_[user_];
}

Tries::Attempt::~Attempt() {
  tries_.drop(address_);
  tries_.drop(user_);
}

bool Tries::Attempt::is_too_late(TimePoint now) const {
  return tries_.failures_of(address_, now) >= tries_.options_.max_tries_per_address;
}

void Tries::Attempt::fail(TimePoint now) {
  tries_.add(address_, now);
  tries_.add(user_, now);
}

std::unique_ptr<Tries::Attempt> Tries::begin(const Address& from, const std::string& user,
                                             TimePoint now) {
  std::string address = subscriber_text(from), name = user_key(user);
  if (failures_of(address, now) >= options_.max_tries_per_address) return nullptr;
  const std::size_t of_address = tries_of(address, now);
  // So many at once may be a crowd behind one address, and are not more than may fail.
  const bool is_crowd = of_address >= options_.max_tries_per_address;
  const Duration delay =
      is_crowd ? options_.max_delay : delay_after(std::max(of_address, tries_of(name, now)));
  return std::make_unique<Attempt>(*this, std::move(address), std::move(name), delay);
}

std::size_t Tries::tries_of(const std::string& key, TimePoint now) const {
  const auto found = under_way_.find(key);
  return failures_of(key, now) + (found != under_way_.end() ? found->second : 0);
}

void Tries::drop(const std::string& key) {
  const auto found = under_way_.find(key);
  if (--found->second == 0) under_way_.erase(found);
}

std::size_t Tries::failures_of(const std::string& key, TimePoint now) const {
  const auto found = failures_.find(key);
  if (found == failures_.end()) return 0;
  return now - found->second.last < options_.forget_failures_after ? found->second.count : 0;
}

void Tries::add(const std::string& key, TimePoint now) {
  const std::size_t before = failures_of(key, now);
  if (!failures_.contains(key)) make_room(now);
  failures_[key] = {before + 1, now};
}

void Tries::make_room(TimePoint now) {
  if (failures_.size() < options_.max_remembered) return;
  std::erase_if(failures_, [&](const auto& entry) {
    return now - entry.second.last >= options_.forget_failures_after;
  });
  if (failures_.empty() || failures_.size() < options_.max_remembered) return;
  failures_.erase(
      std::min_element(failures_.begin(), failures_.end(),
                       [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
}

Duration Tries::delay_after(std::size_t failures) const {
  if (failures < options_.tries_without_delay) return Duration::zero();
  Duration delay = options_.first_delay;
  for (std::size_t i = options_.tries_without_delay; i < failures && delay < options_.max_delay;
       ++i)
    delay *= 2;
  return std::min(delay, options_.max_delay);
}

}  // namespace tickwire::detail
