// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace tickwire::detail {

/// Puts new contents in the place of a file's, all of them or none: written beside it, on the disk,
/// then renamed. Who may read it stays as it was; a new file is its owner's alone. Of a symbolic
/// link, what it leads to is replaced.
///
/// Errors: returns the system's number, 0 for none. The file is as it was then.
/// Thread: any, but one at a time for one file. Waits for the disk.
[[nodiscard]] int replace_file(const std::string& path, std::string_view contents);

}  // namespace tickwire::detail
