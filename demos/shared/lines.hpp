// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>

#include <tickwire/host.hpp>

/// What the demos have in common that talk with people at a terminal.
namespace demo {

/// What of a line is longer than this is cut off.
inline constexpr std::size_t max_line_bytes = 4096;

/// Reads a line, without its end; false when there is none left.
[[nodiscard]] bool read_line(std::istream& from, std::string& line);

/// Calls `take_line` for each line of standard input, and `end` after the last. They are called in
/// the host's passes, by the thread that owns it, one at a time: the next line is read when the one
/// before has been taken.
///
/// Pre:      `std::ios::sync_with_stdio(false)`: C's standard input would be locked by the thread
///           that reads it, and the program's end waits for that.
/// Lifetime: what the functions refer to lives as long as the host.
/// Thread:   a thread of its own waits for lines, and ends with the program at the latest: nothing
///           else can wait for them on every system.
void read_lines(tickwire::Poster post, std::function<void(const std::string&)> take_line,
                std::function<void()> end = {});

}  // namespace demo
