// SPDX-License-Identifier: MIT
#pragma once

#include <iosfwd>
#include <string>

namespace voice {

class Client;
struct Command;

/// Does what lines typed at the terminal say, and answers each with a sentence.
///
/// Lifetime: the client and the stream outlive it.
class Console {
 public:
  Console(Client& client, std::ostream& answers) : client_(client), answers_(answers) {}

  void take(const std::string& line);

  [[nodiscard]] bool wants_to_quit() const noexcept { return wants_to_quit_; }

 private:
  void obey(const Command& command);
  void press_enter();
  void set_volume(const std::string& name, int percent);
  void tell_who();
  /// Muted, deafened, or neither.
  [[nodiscard]] std::string own_state() const;

  Client& client_;
  std::ostream& answers_;
  bool wants_to_quit_ = false;
};

}  // namespace voice
