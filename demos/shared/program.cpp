// SPDX-License-Identifier: MIT
#include "demos/shared/program.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "demos/shared/printable.hpp"

namespace demo {
namespace {

std::atomic<bool> stopped{false};
std::atomic<bool> hung_up{false};
static_assert(std::atomic<bool>::is_always_lock_free);

bool write_into(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return !file.fail();
}

// To where a link leads, also where nothing is there yet: a rename would replace the link.
std::filesystem::path followed(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, error); ++links)
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  return path;
}

}  // namespace

void catch_stop_signals([[maybe_unused]] Hangup hangup) {
  const auto stop = [](int) { stopped.store(true); };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
#ifdef SIGPIPE
  // Who reads what a program says may go first; that is no reason to go without a goodbye.
  std::signal(SIGPIPE, SIG_IGN);
#endif
#ifdef SIGTTIN
  // Who reads its terminal from the background would be stopped; so it is told that nothing comes.
  std::signal(SIGTTIN, SIG_IGN);
#endif
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

int fail(const std::string& sentence) {
  std::cerr << demo::printable(sentence) << '\n';
  return 1;
}

bool write_file(const std::string& path, const std::string& text) {
  std::error_code error;
  const auto there = std::filesystem::status(path, error);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    return write_into(path, text);
  }
  const std::filesystem::path target = followed(path);
  const std::filesystem::path beside = target.string() + ".part";
  const bool is_written = write_into(beside, text);
  if (is_written) std::filesystem::rename(beside, target, error);
  if (is_written && !error) return true;
  std::filesystem::remove(beside, error);
  return false;
}

int run_guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& failure) {
    return fail(failure.what());
  }
}

}  // namespace demo
