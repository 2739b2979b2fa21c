// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <tickwire/event.hpp>

namespace tickwire::test {

/// An event as tests like it: its payload as text.
struct Told {
  EventType type = EventType::error;
  Connection connection;
  std::uint8_t channel = 0;
  MessageId id = 0;
  Receipt receipt = Receipt::none;
  std::uint32_t type_id = 0;
  std::string text;  ///< a received string's own text, or else the raw payload
  Metadata metadata;
  Error error;
};

/// Keeps every event that a host tells, and fails the test the moment one breaks the order of
/// events that architecture.md promises.
///
/// Lifetime: outlives its host if it must; handles in it are then only good for comparing.
class EventLog {
 public:
  enum class Keep : std::uint8_t { everything, no_messages };

  explicit EventLog(Keep keep = Keep::everything) noexcept : keep_(keep) {}

  void add(const Event& event);

  [[nodiscard]] const std::vector<Told>& all() const noexcept { return all_; }
  [[nodiscard]] std::size_t count(EventType type) const noexcept;
  [[nodiscard]] std::size_t count(EventType type, Connection connection) const noexcept;
  /// The `error` events with this code.
  [[nodiscard]] std::size_t count(ErrorCode code) const noexcept;
  /// Received messages, objects and bytes, kept or not.
  [[nodiscard]] std::size_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] std::vector<std::string> texts(Connection connection) const;
  [[nodiscard]] std::vector<std::string> texts_on(std::uint8_t channel) const;
  /// The newest of a type; fails the test when there is none.
  [[nodiscard]] const Told& last(EventType type) const;
  /// What became of a message; `Receipt::none` when nothing was told yet.
  [[nodiscard]] Receipt receipt(MessageId id) const noexcept;
  /// Forgets what was told, but not where each connection stands.
  void clear();

 private:
  enum class Life : std::uint8_t { unknown, up, over };
  struct Course {
    Life life = Life::unknown;
    bool interrupted = false;
    std::unordered_set<MessageId> settled;
  };

  void check_order(const Event& event);
  void check_end(const Event& event, Course& course);
  void check_between(const Event& event, Course& course);
  [[nodiscard]] std::vector<std::string> texts_where(
      const std::function<bool(const Told&)>& wanted) const;

  Keep keep_;
  std::vector<Told> all_;
  std::size_t messages_ = 0;
  std::map<std::uint64_t, Course> courses_;  // by Connection::id
};

/// For messages of failing checks.
[[nodiscard]] std::string_view name_of(EventType type) noexcept;

}  // namespace tickwire::test
