// SPDX-License-Identifier: MIT
#include "lib/host/access_table.hpp"

#include <algorithm>
#include <utility>

namespace tickwire::detail {

const AccessTable::Networks* AccessTable::find(const IpNetwork& network) const noexcept {
  const auto& lengths = of(network.address.family);
  const auto found = std::find_if(lengths.begin(), lengths.end(),
                                  [&](const Length& each) { return each.bits == network.length; });
  return found != lengths.end() ? &found->networks : nullptr;
}

void AccessTable::put(const IpNetwork& network, WallTime until) {
  auto* networks = const_cast<Networks*>(find(network));
  if (networks == nullptr) {
    auto& lengths = lengths_[static_cast<std::size_t>(network.address.family)];
    networks = &lengths.emplace_back(Length{network.length, Networks(0, hash_)}).networks;
  }
  if (networks->insert_or_assign(network.address.bytes, until).second) ++size_;
}

bool AccessTable::erase(const IpNetwork& network) {
  auto* networks = const_cast<Networks*>(find(network));
  if (networks == nullptr || networks->erase(network.address.bytes) == 0) return false;
  --size_;
  return true;
}

bool AccessTable::has(const IpNetwork& network) const {
  const Networks* networks = find(network);
  return networks != nullptr && networks->contains(network.address.bytes);
}

bool AccessTable::covers(const IpAddress& address, WallTime now) const {
  return std::any_of(of(address.family).begin(), of(address.family).end(), [&](const Length& each) {
    const auto found = each.networks.find(address.masked(each.bits).bytes);
    return found != each.networks.end() && found->second > now;
  });
}

void AccessTable::prune(WallTime now) {
  for (auto& lengths : lengths_) {
    for (Length& each : lengths)
      size_ -= std::erase_if(each.networks, [&](const auto& entry) { return entry.second <= now; });
    std::erase_if(lengths, [](const Length& each) { return each.networks.empty(); });
  }
}

void AccessTable::for_each(
    const std::function<void(const IpNetwork&, WallTime until)>& function) const {
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    for (const Length& length : of(family)) {
      for (const auto& [bytes, until] : length.networks)
        function(IpNetwork{{family, bytes}, length.bits}, until);
    }
  }
}

}  // namespace tickwire::detail
