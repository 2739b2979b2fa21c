// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "audio/cleaned_source.hpp"
#include "client/client.hpp"

namespace voice {

/// What a client said and recorded.
struct RecordedFiles {
  std::string spoken;                        ///< empty: nothing, or not from a file
  std::string heard;                         ///< empty: not recorded
  std::chrono::milliseconds start_delay{0};  ///< silence before `spoken`
  /// What was done to what came in.
  CleaningConfig cleaning{Cleaning::off, Cleaning::off, Cleaning::off};
};

/// What a client counted, in the form that `tickwire-voice-check` reads.
///
/// Units: the two starts are microseconds of the machine's monotonic clock.
[[nodiscard]] std::string report_json(const Client& client, const ClientConfig& config,
                                      const RecordedFiles& files);

}  // namespace voice
