// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include <tickwire/error.hpp>

#include "check/hearing.hpp"

namespace voice {

/// Draws what each talker said, at the time he said it and in a colour of his own, above what the
/// listener heard, all on one time axis. Behind each talker stands what was heard, in grey.
///
/// Shape:  a PNG of 1400 x 900 pixels, higher for more than five talkers.
/// Errors: a sentence: gnuplot is not installed or failed, or the file cannot be written.
[[nodiscard]] tickwire::Result<void> draw_picture(const Findings& findings,
                                                  const std::filesystem::path& file,
                                                  const std::string& program = "gnuplot");

}  // namespace voice
