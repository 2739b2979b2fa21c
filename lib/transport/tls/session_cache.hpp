// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

#include "lib/transport/tls/openssl_handles.hpp"

namespace tickwire::detail {

/// What a dialler may resume: the newest session of each server, each for one use.
///
/// Memory: at most `most_keys` servers; the one that was heard from longest ago goes first.
/// Thread: one at a time.
class SessionCache {
 public:
  static constexpr std::size_t most_keys = 256;

  void keep(std::string_view key, OpensslPtr<ssl_session_st> session);
  /// Empty when there is none.
  [[nodiscard]] OpensslPtr<ssl_session_st> take(std::string_view key);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    OpensslPtr<ssl_session_st> session;
  };

  std::list<Entry> entries_;  // newest first; few enough to look through
};

}  // namespace tickwire::detail
