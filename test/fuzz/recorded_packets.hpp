// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/connection.hpp>

#include "lib/session/message_session.hpp"
#include "test/support/packet_kit.hpp"
#include "test/support/session_plan.hpp"

namespace tickwire::test {

/// What one end of a real conversation was sent, packet by packet: greetings, messages of every
/// lane and size, control records of every kind, a return over another link, and a goodbye.
struct Recording {
  std::vector<Bytes> greeting;
  std::vector<Bytes> talk;
  std::vector<Bytes> greeting_again;  ///< with a token and a point to go on from
  std::vector<Bytes> talk_again;
  std::vector<Bytes> goodbye;
};

/// How both ends of every recording are set up. Tokens are the same in every run.
[[nodiscard]] SessionPlan recorded_plan(Direction direction);
/// Sends what an end of a recording sends, so that the other end's acknowledgements fit.
void say_recorded(detail::Session& session, TimePoint now);

/// Has the conversation, and returns what the end of that direction received.
[[nodiscard]] Recording record(Direction receiver);

}  // namespace tickwire::test
