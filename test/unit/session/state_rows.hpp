// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/connection.hpp>

#include "lib/session/session.hpp"
#include "test/support/session_pair.hpp"

/// What the walks through docs/state-machine.md have in common.
namespace tickwire::test {

struct StateName {
  detail::SessionState state;
  std::string_view name;
};
/// Every state there is.
[[nodiscard]] std::span<const StateName> states();
[[nodiscard]] std::string name_of(detail::SessionState state);

/// A state as a row names it: "open", or with what else must hold, "open, accepted".
[[nodiscard]] detail::SessionState state_of(std::string_view cell);
/// The ends that a row is about.
[[nodiscard]] std::vector<Direction> ends_of(std::string_view cell);

/// An event as a row names it; empty for those that rows do not name.
[[nodiscard]] std::string event_name(const SeenEvent& event);
/// What came out, as a row says it.
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

template <class AnyStep>
[[nodiscard]] std::string row(const AnyStep& step) {
  return "| " + step.state + " | " + step.input + " | " + name_of(step.next) + " | " + step.out +
         " |";
}

/// Checks that the page has these rows below a heading, and no others.
void compare_with_page(std::string_view heading, const std::vector<std::string>& walked);

template <class AnyStep>
void compare_with_page(std::string_view heading, const std::vector<AnyStep>& steps) {
  std::vector<std::string> walked;
  for (const AnyStep& step : steps)
    walked.push_back(row(step));
  compare_with_page(heading, walked);
}

}  // namespace tickwire::test
