// SPDX-License-Identifier: MIT
#pragma once

#include <iosfwd>

namespace voice {

/// The program `tickwire-voice-check`: says who was heard in a recording and who was not.
///
/// Returns 0 if every talker was heard and nobody heard himself, 1 if not (with a sentence on
/// each), 2 if the input cannot be used or the figures cannot be written. A picture that cannot be
/// drawn is said on `errors` and changes nothing.
int run_check(int argument_count, const char* const* arguments, std::ostream& out,
              std::ostream& errors);

}  // namespace voice
