// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <utility>

#include "demos/shared/printable.hpp"

namespace transfer {
namespace {

constexpr int kBarWidth = 30;

double share_of(const tickwire::TransferInfo& info) {
  if (info.size_bytes == 0) return 1;
  return static_cast<double>(info.done_bytes) / static_cast<double>(info.size_bytes);
}

std::string figures(const tickwire::TransferInfo& info) {
  std::string text = shown_bytes(info.done_bytes) + " of " + shown_bytes(info.size_bytes);
  if (info.bytes_per_second > 0) {
    text += ", " + shown_bytes(static_cast<std::uint64_t>(info.bytes_per_second)) + "/s";
    if (const auto left = static_cast<double>(info.size_bytes - info.done_bytes); left > 0) {
      text += ", " + std::to_string(static_cast<std::uint64_t>(left / info.bytes_per_second) + 1) +
              " s left";
    }
  }
  return text;
}

}  // namespace

std::string shown_bytes(std::uint64_t bytes) {
  constexpr std::array units = {"B", "kB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1000 && unit + 1 < units.size(); ++unit)
    amount /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
  return text.data();
}

// A device that takes characters is a terminal, or one that does not mind.
Progress::Progress() : is_terminal_(false) {
  std::error_code error;
  is_terminal_ = std::filesystem::is_character_file("/dev/stdout", error);
}

void Progress::show(const tickwire::TransferInfo& info) {
  const double share = share_of(info);
  const bool is_another = std::exchange(last_id_, info.id) != info.id;
  if (is_terminal_) {
    const std::string text = figures(info);
    const std::size_t before = std::exchange(last_width_, text.size());
    const std::size_t blanks = before > text.size() ? before - text.size() : 0;
    const int full = static_cast<int>(share * kBarWidth);
    std::cout << "\r[" << std::string(static_cast<std::size_t>(full), '#')
              << std::string(static_cast<std::size_t>(kBarWidth - full), '.') << "] " << text
              << std::string(blanks, ' ') << std::flush;
    has_bar_ = true;
    return;
  }
  const int tenth = static_cast<int>(share * 10);
  if (!is_another && tenth == last_tenth_) return;
  last_tenth_ = tenth;
  std::cout << tenth * 10 << " %: " << figures(info) << std::endl;
}

void Progress::complete(const tickwire::TransferInfo& info) {
  if (info.id == last_id_) show(info);
}

void Progress::say(const std::string& line) {
  leave_bar();
  std::cout << demo::printable(line) << std::endl;
}

void Progress::leave_bar() {
  last_width_ = 0;
  if (std::exchange(has_bar_, false)) std::cout << '\n';
}

}  // namespace transfer
