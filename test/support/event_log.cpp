// SPDX-License-Identifier: MIT
#include "test/support/event_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include <tickwire/codec.hpp>

namespace tickwire::test {
namespace {

std::string text_of(const Event& event) {
  if (event.is<std::string>()) {
    if (auto text = event.as<std::string>()) return *std::move(text);
  }
  const auto bytes = event.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_message(EventType type) noexcept {
  return type == EventType::object_received || type == EventType::data_received;
}

}  // namespace

std::string_view name_of(EventType type) noexcept {
  switch (type) {
    case EventType::connected:
      return "connected";
    case EventType::disconnected:
      return "disconnected";
    case EventType::object_received:
      return "object_received";
    case EventType::data_received:
      return "data_received";
    case EventType::data_sent:
      return "data_sent";
    case EventType::error:
      return "error";
    case EventType::writable:
      return "writable";
    case EventType::interrupted:
      return "interrupted";
    case EventType::resumed:
      return "resumed";
    default:
      return "an extension's event";
  }
}

void EventLog::add(const Event& event) {
  check_order(event);
  if (is_message(event.type)) {
    ++messages_;
    if (keep_ == Keep::no_messages) return;
  }
  Told told;
  told.type = event.type;
  told.connection = event.connection;
  told.channel = event.channel;
  told.id = event.message_id;
  told.receipt = event.receipt;
  told.type_id = event.type_id;
  told.error = event.error;
  if (is_message(event.type)) {
    told.text = text_of(event);
    told.metadata = event.metadata();
  }
  all_.push_back(std::move(told));
}

void EventLog::check_order(const Event& event) {
  const std::uint64_t id = event.connection.id();
  INFO("the event is '", std::string(name_of(event.type)), "', the connection ", id,
       ", the error '", event.error.message(), "'");
  if (id == 0) {
    if (event.type == EventType::transfer_finished) return;  // of a connection that is gone
    CHECK_MESSAGE(event.type == EventType::error, "only errors concern nobody");
    CHECK_MESSAGE(event.error.code != ErrorCode::none, "an error says what it is");
    return;
  }
  Course& course = courses_[id];
  CHECK_MESSAGE(course.life != Life::over, "nothing follows the end of a connection");
  switch (event.type) {
    case EventType::connected:
      CHECK_MESSAGE(course.life == Life::unknown, "a connection comes up once, and first");
      course.life = Life::up;
      return;
    case EventType::error:
    case EventType::disconnected:
      if (!event.is_last) {
        CHECK_MESSAGE(event.connection.is_open(), "only what an extension raises ends nothing");
        return;
      }
      check_end(event, course);
      course.life = Life::over;
      return;
    default:
      check_between(event, course);
  }
}

void EventLog::check_end(const Event& event, Course& course) {
  CHECK_MESSAGE(event.error.code != ErrorCode::none, "an end says why");
  CHECK_MESSAGE(!event.connection.is_open(), "what has ended is not open");
  if (event.type == EventType::disconnected) {
    CHECK_MESSAGE(course.life == Life::up, "only what was up goes down");
    return;
  }
  CHECK_MESSAGE(course.life == Life::unknown, "after 'connected' a failure is 'disconnected'");
  CHECK_MESSAGE(event.connection.direction() == Direction::dialled,
                "what was accepted and never came up makes no event");
}

void EventLog::check_between(const Event& event, Course& course) {
  CHECK_MESSAGE(course.life == Life::up, "a connection is up before it tells more");
  switch (event.type) {
    case EventType::object_received:
    case EventType::data_received:
      CHECK_MESSAGE(!course.interrupted, "nothing is received between two links");
      return;
    case EventType::writable:
      CHECK_MESSAGE(event.connection.is_open(), "what can be written to is open");
      return;
    case EventType::data_sent:
      CHECK_MESSAGE(event.message_id != 0, "a receipt names its message");
      CHECK_MESSAGE(event.receipt != Receipt::none, "a receipt says what became of the message");
      CHECK_MESSAGE(course.settled.insert(event.message_id).second, "one receipt for a message");
      return;
    case EventType::interrupted:
      CHECK_MESSAGE(!course.interrupted, "one interruption at a time");
      CHECK_MESSAGE(event.error.code != ErrorCode::none, "an interruption says why");
      course.interrupted = true;
      return;
    case EventType::resumed:
      CHECK_MESSAGE(course.interrupted, "only what was interrupted resumes");
      course.interrupted = false;
      return;
    default:
      return;
  }
}

std::size_t EventLog::count(EventType type) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [&](const Told& each) { return each.type == type; }));
}

std::size_t EventLog::count(EventType type, Connection connection) const noexcept {
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [&](const Told& each) {
    return each.type == type && each.connection == connection;
  }));
}

std::size_t EventLog::count(ErrorCode code) const noexcept {
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [&](const Told& each) {
    return each.type == EventType::error && each.error.code == code;
  }));
}

std::vector<std::string> EventLog::texts_where(
    const std::function<bool(const Told&)>& wanted) const {
  std::vector<std::string> texts;
  for (const Told& each : all_) {
    if (is_message(each.type) && wanted(each)) texts.push_back(each.text);
  }
  return texts;
}

std::vector<std::string> EventLog::texts() const {
  return texts_where([](const Told&) { return true; });
}

std::vector<std::string> EventLog::texts(Connection connection) const {
  return texts_where([&](const Told& each) { return each.connection == connection; });
}

std::vector<std::string> EventLog::texts_on(std::uint8_t channel) const {
  return texts_where([&](const Told& each) { return each.channel == channel; });
}

const Told& EventLog::last(EventType type) const {
  const auto found =
      std::find_if(all_.rbegin(), all_.rend(), [&](const Told& each) { return each.type == type; });
  REQUIRE_MESSAGE(found != all_.rend(), "no event '", std::string(name_of(type)), "' came");
  return *found;
}

Receipt EventLog::receipt(MessageId id) const noexcept {
  for (const Told& each : all_) {
    if (each.type == EventType::data_sent && each.id == id) return each.receipt;
  }
  return Receipt::none;
}

void EventLog::clear() {
  all_.clear();
  messages_ = 0;
}

}  // namespace tickwire::test
