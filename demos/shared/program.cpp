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

}  // namespace

void catch_stop_signals([[maybe_unused]] Hangup hangup) {
  const auto stop = [](int) { stopped.store(true); };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
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

}  // namespace demo
