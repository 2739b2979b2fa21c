// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/error.hpp>

#include "audio/correlate.hpp"
#include "audio/wav_file.hpp"
#include "check/client_report.hpp"

namespace voice {

/// What is to be checked: who said what, what the listener heard, and what the clients report.
struct Question {
  struct Spoken {
    std::string name;
    std::filesystem::path file;
  };

  std::vector<Spoken> talkers;
  std::filesystem::path heard;
  std::vector<std::filesystem::path> reports;
};

/// One talker as one client heard him.
struct Hearing {
  std::string talker;
  Presence presence;
  std::optional<Milliseconds> mouth_to_ear;  ///< nothing: not heard, or the starts are not known
};

/// A talker of the question, in the listener's recording.
struct TalkerFinding {
  Hearing hearing;
  Samples spoken;
  std::chrono::microseconds spoken_at{0};  ///< on the time axis of the listener's recording
};

struct ClientFinding {
  ClientReport report;
  std::vector<Hearing> hearings;    ///< of the other clients that report what they said
  std::optional<Presence> himself;  ///< nothing: he did not both speak and record
};

struct Findings {
  std::string listener;  ///< empty: no report belongs to the recording
  Samples heard;
  std::vector<TalkerFinding> talkers;
  std::vector<ClientFinding> clients;

  /// What is wrong, a sentence each. Nothing: every talker was heard, by all who recorded what they
  /// heard, and nobody heard himself.
  [[nodiscard]] std::vector<std::string> failures() const;
};

/// Listens to all recordings.
///
/// Errors: a sentence on the input that cannot be used.
[[nodiscard]] tickwire::Result<Findings> find_out(const Question& question);

}  // namespace voice
