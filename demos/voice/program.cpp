// SPDX-License-Identifier: MIT
#include "program.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace voice {
namespace {

std::atomic<bool> stopped{false};
std::atomic<bool> hung_up{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// How many bytes the first character of a text has; 0 when it begins with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return 0;
  for (std::size_t at = 1; at < bytes; ++at)
    if ((byte(at) & 0xc0u) != 0x80) return 0;
  // A control character may also be hidden in more bytes than it needs.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90)) return 0;
  return bytes;
}

// C0 and delete; in two bytes, C1, which terminals obey as well.
bool is_control(std::string_view character) {
  const auto last = static_cast<unsigned char>(character.back());
  if (character.size() == 1) return last < 0x20 || last == 0x7f;
  return character.size() == 2 && character.front() == '\xc2' && last < 0xa0;
}

}  // namespace

void catch_stop_signals([[maybe_unused]] Hangup hangup) {
  const auto stop = [](int) { stopped.store(true); };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
#ifdef SIGHUP
  if (hangup == Hangup::stops) {
    std::signal(SIGHUP, stop);
  } else {
    std::signal(SIGHUP, [](int) { hung_up.store(true); });
  }
#endif
}

bool take_hangup() noexcept {
  return hung_up.exchange(false);
}

bool is_stopped() noexcept {
  return stopped.load();
}

Deadline::Deadline(double seconds) noexcept
    : at_(seconds > 0
              ? std::chrono::steady_clock::now() +
                    std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                        std::chrono::duration<double>(std::min(seconds, longest_run_seconds)))
              : std::chrono::steady_clock::time_point::max()) {}

bool Deadline::is_over() const noexcept {
  return std::chrono::steady_clock::now() >= at_;
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    result += bytes == 0 || is_control(character) ? std::string_view("?") : character;
    text.remove_prefix(character.size());
  }
  return result;
}

bool is_printable(std::string_view text) {
  return printable(text) == text;
}

int fail(const std::string& sentence) {
  std::cerr << printable(sentence) << '\n';
  return 1;
}

bool write_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".part";
  {
    std::ofstream file(beside, std::ios::binary);
    file << text;
    file.close();
    if (!file) return false;
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  return !error;
}

int run_guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& failure) {
    return fail(failure.what());
  }
}

}  // namespace voice
