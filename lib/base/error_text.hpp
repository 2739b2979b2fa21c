// SPDX-License-Identifier: MIT
#pragma once

#include <new>
#include <utility>

#include <tickwire/error.hpp>

namespace tickwire::detail {

/// An error with the text that `text()` makes, or without one where there is no memory for it.
template <class MakeText>
[[nodiscard]] Error error_with_text(ErrorCode code, MakeText&& text) {
  Error error{code, 0, {}};
  try {
    error.detail = std::forward<MakeText>(text)();
  } catch (const std::bad_alloc&) {
    // The code says enough.
  }
  return error;
}

/// What becomes of a connection about which the program was asked, and threw.
[[nodiscard]] inline Error program_threw() {
  return error_with_text(ErrorCode::exception_thrown, [] {
    return "The program threw an exception when it was asked about this connection.";
  });
}

}  // namespace tickwire::detail
