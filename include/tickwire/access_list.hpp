// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

/// Settings of an `AccessList`.
struct AccessListOptions {
  /// Where the list is kept. Empty: in memory alone.
  std::string file{};
  std::size_t max_entries = 1'000'000;
  /// The time of day that entries end by. Empty: the system's.
  ///
  /// Thread: called on any.
  std::function<std::chrono::system_clock::time_point()> now{};
};

/// Addresses and networks whose calls a host refuses, for ever or until a time; see
/// `HostConfig::access`. One list may serve many hosts.
///
/// With a file, every change is written soon after, by a thread of the list's own: a whole new file
/// beside the old one, which then takes its name. What others have put into the file since is kept,
/// comments too; programs that change it should replace it in the same way.
///
/// Shape:  of the file: one entry a line, an address or a network, then, unless it is for ever,
///         `until` and a time in UTC. What stands behind a # is for people.
///
///             192.0.2.7                                    # tried every door
///             198.51.100.0/24  until 2027-01-31T18:00:00Z
///             2001:db8:0:1::/64
///
/// Thread: any, for every call.
/// Memory: about 100 bytes an entry; a look-up costs the same for one entry and for a million.
class TICKWIRE_API AccessList {
 public:
  using Time = std::chrono::system_clock::time_point;

  struct Entry {
    std::string network;          ///< as the file has it
    std::optional<Time> until{};  ///< nothing: for ever
  };

  /// Opens a list. A file that does not exist yet is one without entries.
  ///
  /// Errors: `file_unreadable`, also for what is no plain file or is larger than 64 MiB;
  ///         `invalid_argument` for a line that makes no sense, with file, line and reason;
  ///         `out_of_resources` above `max_entries`.
  [[nodiscard]] static Result<std::shared_ptr<AccessList>> open(AccessListOptions options = {});
  /// Writes what is not written yet.
  ~AccessList();
  AccessList(const AccessList&) = delete;
  AccessList& operator=(const AccessList&) = delete;

  /// Refuses an address (`192.0.2.7`, `2001:db8::1`), a network (`192.0.2.0/24`), or a caller of
  /// this process (`memory://name`, which no file keeps). An entry for the same one is replaced.
  /// An IPv4 address within IPv6 (`::ffff:192.0.2.7`) is that IPv4 address; `::/0` is IPv6 alone.
  ///
  /// Errors: `invalid_argument`, with the reason; `out_of_resources` above `max_entries`.
  Result<void> refuse(std::string_view network, std::optional<Time> until = std::nullopt);
  Result<void> refuse_for(std::string_view network, Duration time);
  /// Takes off the entry for exactly this address or network. False: there was none.
  ///
  /// Errors: `invalid_argument`.
  Result<bool> remove(std::string_view network);

  /// Whether a caller is refused now. `host` is as in `Address::host`; `scheme` tells a numeric
  /// address from the name of a memory transport.
  [[nodiscard]] bool refuses(std::string_view host, std::string_view scheme = {}) const;

  /// Those that have not ended, in no special order.
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] std::size_t size() const;  ///< entries, some of which may have ended

  /// Reads the file anew. What this list has changed and not written yet holds on top of it.
  ///
  /// Errors: those of `open`, and the list stays as it was; `not_supported` without a file.
  Result<void> reload();
  /// Writes now what is not written yet, and says how that went; what the list's own thread could
  /// not write is tried again here, and with the next change.
  ///
  /// Errors: as `reload`; `file_unwritable`. Neither list nor file is changed by one.
  Result<void> save();

 private:
  class Core;
  explicit AccessList(std::unique_ptr<Core> core) noexcept;
  std::unique_ptr<Core> core_;
};

}  // namespace tickwire
