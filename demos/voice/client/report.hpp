// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "client/client.hpp"

namespace voice {

/// What a client counted, in the form that `tickwire-voice-check` reads.
///
/// Units: the two starts are microseconds of the machine's monotonic clock.
[[nodiscard]] std::string report_json(const Client& client, const ClientConfig& config,
                                      const std::string& spoken_file,
                                      const std::string& heard_file);

}  // namespace voice
