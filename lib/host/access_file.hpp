// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/error.hpp>

#include "lib/base/ip_network.hpp"
#include "lib/host/access_table.hpp"

namespace tickwire::detail {

/// What is to become of networks: until when each is refused, or nothing: it is taken off.
using AccessChanges = std::map<IpNetwork, std::optional<WallTime>>;

/// The text of an access list, line by line, so that a change leaves the other lines as they are.
///
/// Shape: see `AccessList`.
class AccessFile {
 public:
  struct Line {
    std::string text;
    std::optional<IpNetwork> network{};  ///< nothing: nothing but a comment
    WallTime until = kForEver;
  };

  /// Errors: `invalid_argument`, with `name` and the number of the first line that makes no sense;
  ///         `out_of_resources` when it has more entries than that.
  [[nodiscard]] static Result<AccessFile> parse(std::string_view text, const std::string& name,
                                                std::size_t max_entries);
  /// Of a file, which may be missing.
  ///
  /// Errors: those of `parse`; `file_unreadable`.
  [[nodiscard]] static Result<AccessFile> read(const std::string& path, std::size_t max_entries);

  [[nodiscard]] const std::vector<Line>& lines() const noexcept { return lines_; }
  /// Takes out what has ended and what the changes say, and puts theirs at the end.
  void apply(const AccessChanges& changes, WallTime now);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Line> lines_;
};

}  // namespace tickwire::detail
