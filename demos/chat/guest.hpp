// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <tickwire/accounts.hpp>
#include <tickwire/host.hpp>

namespace chat {

/// What a guest's program shows of the room, line by line.
///
/// Lifetime: the host outlives it.
class Guest {
 public:
  enum class Stage : std::uint8_t { coming, in_room, gone };

  explicit Guest(tickwire::Connection room) noexcept : room_(room) {}

  void take(const tickwire::Event& event);
  /// A line of the user's: something to say, or `/quit`.
  void say(const std::string& line);
  /// Nothing more comes from the user: what was said leaves, then this end.
  void leave();

  [[nodiscard]] Stage stage() const noexcept { return stage_; }
  /// Whether it ended because the user wanted it.
  [[nodiscard]] bool has_left() const noexcept { return left_; }

 private:
  void show(const tickwire::Event& event) const;

  tickwire::Connection room_;
  Stage stage_ = Stage::coming;
  bool left_ = false;
};

}  // namespace chat
