// SPDX-License-Identifier: MIT
#include "test/unit/session/state_rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace tickwire::test {

using detail::SessionState;

namespace {

#ifndef TICKWIRE_STATE_MACHINE
#define TICKWIRE_STATE_MACHINE ""
#endif

constexpr StateName kStates[] = {
    {SessionState::waiting_for_link, "waiting_for_link"},
    {SessionState::greeting, "greeting"},
    {SessionState::welcoming, "welcoming"},
    {SessionState::open, "open"},
    {SessionState::interrupted, "interrupted"},
    {SessionState::closing, "closing"},
    {SessionState::draining, "draining"},
    {SessionState::ended, "ended"},
};

std::string code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::connect_timed_out:
      return "connect_timed_out";
    case ErrorCode::handshake_timed_out:
      return "handshake_timed_out";
    case ErrorCode::connection_reset:
      return "connection_reset";
    case ErrorCode::connection_lost:
      return "connection_lost";
    case ErrorCode::closed_locally:
      return "closed_locally";
    case ErrorCode::closed_by_peer:
      return "closed_by_peer";
    case ErrorCode::protocol_violation:
      return "protocol_violation";
    case ErrorCode::server_full:
      return "server_full";
    case ErrorCode::socket_failed:
      return "socket_failed";
    default:
      return std::to_string(static_cast<int>(code));
  }
}
std::filesystem::path page() {
  const std::filesystem::path named = TICKWIRE_STATE_MACHINE;
  const auto root = std::filesystem::path(__FILE__).parent_path() / ".." / ".." / "..";
  return named.empty() ? root / "docs" / "state-machine.md" : named;
}

/// The rows of the page's tables of transitions, those below one heading.
std::vector<std::string> rows_below(std::string_view heading) {
  std::ifstream file(page());
  REQUIRE(file.is_open());
  std::vector<std::string> all;
  bool is_below = false;
  bool is_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) is_below = line == heading;
    if (line.starts_with("| state | input | next state |")) {
      is_table = true;
    } else if (!line.starts_with("|")) {
      is_table = false;
    } else if (is_below && is_table && !line.starts_with("| ---")) {
      all.push_back(line);
    }
  }
  return all;
}

}  // namespace

std::span<const StateName> states() {
  return kStates;
}

std::string name_of(SessionState state) {
  // Without a default: the compiler speaks up when a state is added, for the table above too.
  switch (state) {
    case SessionState::waiting_for_link:
    case SessionState::greeting:
    case SessionState::welcoming:
    case SessionState::open:
    case SessionState::interrupted:
    case SessionState::closing:
    case SessionState::draining:
    case SessionState::ended:
      break;
  }
  for (const StateName& each : kStates)
    if (each.state == state) return std::string(each.name);
  return "no state";
}
SessionState state_of(std::string_view cell) {
  const std::string_view name = cell.substr(0, cell.find(','));
  for (const StateName& each : kStates)
    if (each.name == name) return each.state;
  FAIL("no state is called ", std::string(name));
  return SessionState::ended;
}

std::vector<Direction> ends_of(std::string_view cell) {
  const SessionState state = state_of(cell);
  const bool is_dialled = cell.ends_with(", dialled");
  const bool is_accepted = cell.ends_with(", accepted") || state == SessionState::welcoming;
  std::vector<Direction> ends;
  if (!is_accepted) ends.push_back(Direction::dialled);
  if (!is_dialled) ends.push_back(Direction::accepted);
  return ends;
}
std::string event_name(const test::SeenEvent& event) {
  switch (event.type) {
    case EventType::connected:
      return "`connected`";
    case EventType::disconnected:
      return "`disconnected` (" + code_name(event.error.code) + ")";
    case EventType::error:
      return "`error` (" + code_name(event.error.code) + ")";
    case EventType::interrupted:
      return "`interrupted`";
    case EventType::resumed:
      return "`resumed`";
    case EventType::object_received:
    case EventType::data_received:
      return "the message";
    default:
      return {};
  }
}
std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() || word.empty() ? "" : ", ") + word;
  return text.empty() ? "nothing" : text;
}
void compare_with_page(std::string_view heading, const std::vector<std::string>& walked) {
  std::vector<std::string> written = rows_below(heading);
  std::set<std::string> both(walked.begin(), walked.end());
  CHECK(both.size() == walked.size());
  for (const std::string& each : written) {
    INFO("on the page, and not walked: ", each);
    CHECK(std::find(walked.begin(), walked.end(), each) != walked.end());
  }
  for (const std::string& each : walked) {
    INFO("walked, and not on the page: ", each);
    CHECK(std::find(written.begin(), written.end(), each) != written.end());
  }
}

}  // namespace tickwire::test
