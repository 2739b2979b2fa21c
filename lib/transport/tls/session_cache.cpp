// SPDX-License-Identifier: MIT
#include "lib/transport/tls/session_cache.hpp"

#include <utility>

namespace tickwire::detail {

void SessionCache::keep(std::string_view key, OpensslPtr<ssl_session_st> session) {
  std::erase_if(entries_, [key](const Entry& entry) { return entry.key == key; });
  entries_.push_front({std::string(key), std::move(session)});
  if (entries_.size() > most_keys) entries_.pop_back();
}

OpensslPtr<ssl_session_st> SessionCache::take(std::string_view key) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->key != key) continue;
    OpensslPtr<ssl_session_st> session = std::move(entry->session);
    entries_.erase(entry);
    return session;
  }
  return {};
}

}  // namespace tickwire::detail
