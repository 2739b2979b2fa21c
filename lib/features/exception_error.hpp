// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <tickwire/host.hpp>

namespace tickwire::detail {

/// The error for the exception that is being handled: `exception_thrown`, and what it says.
///
/// Pre: inside a `catch`.
[[nodiscard]] inline Error caught_error(const std::string& where) {
  std::string detail = where + " threw ";
  try {
    throw;
  } catch (const std::exception& exception) {
    detail += std::string("an exception: ") + exception.what();
  } catch (...) {
    detail += "something that is no std::exception.";
  }
  return {ErrorCode::exception_thrown, 0, std::move(detail)};
}

/// Makes an error of the host's own.
inline void report(Host& host, Error error) {
  Event event;
  event.type = EventType::error;
  event.error = std::move(error);
  host.raise(std::move(event));
}

/// Calls a function of the program's; what it throws becomes an `error` event of the host.
template <class F>
void guarded(Host& host, const char* where, F&& function) {
  try {
    std::forward<F>(function)();
  } catch (...) {
    report(host, caught_error(where));
  }
}

}  // namespace tickwire::detail
