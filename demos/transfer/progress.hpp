// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <tickwire/transfer.hpp>

/// What the program shows while a file is on its way.
namespace transfer {

/// "12.3 MB"
[[nodiscard]] std::string shown_bytes(std::uint64_t bytes);

/// Draws a bar that moves in a terminal, and a line for every tenth elsewhere.
class Progress {
 public:
  Progress();
  void show(const tickwire::TransferInfo& info);
  /// Shows the end of what was shown before; nothing of what was over at once.
  void complete(const tickwire::TransferInfo& info);
  /// Prints a line, below the bar.
  void say(const std::string& line);

 private:
  void leave_bar();

  bool is_terminal_;
  bool has_bar_ = false;
  tickwire::TransferId last_id_ = 0;
  int last_tenth_ = -1;
  std::size_t last_width_ = 0;  // of the figures beside the bar
};

}  // namespace transfer
