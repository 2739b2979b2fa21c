// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/error.hpp>

namespace voice {

using Milliseconds = std::chrono::duration<double, std::milli>;

/// What one client counted of one talker whom it heard.
struct HeardTalker {
  std::string name;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t late = 0;
  std::uint64_t discarded = 0;
  std::uint64_t concealed = 0;
};

struct PacketCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t late = 0;
  std::uint64_t discarded = 0;
  std::uint64_t concealed = 0;
};

/// What a client writes about itself when it leaves.
///
/// Units: the two starts are of the machine's monotonic clock, so that those of all clients of one
///        machine compare.
struct ClientReport {
  std::string name;
  std::string room;
  std::filesystem::path spoken;  ///< empty: it said nothing, or not from a file
  std::filesystem::path heard;   ///< empty: it did not record
  std::optional<std::chrono::microseconds> capture_started;   ///< of the first captured sample
  std::optional<std::chrono::microseconds> playback_started;  ///< of the first sample of `heard`
  Milliseconds start_delay{0};  ///< silence captured before the first sample of `spoken`
  PacketCounts packets;
  std::optional<Milliseconds> rtt;
  std::optional<Milliseconds> jitter;
  std::optional<double> packet_loss_ratio;
  std::vector<HeardTalker> talkers;
};

/// Reads a report in JSON. `name` and `packets` must be there; a field that is null or missing
/// counts as not known. Fields that nobody knows are passed over.
///
/// Errors: a sentence that names the file, and the field that is wrong.
[[nodiscard]] tickwire::Result<ClientReport> read_report(const std::filesystem::path& file);

}  // namespace voice
