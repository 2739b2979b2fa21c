// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>

#include "lib/transport/enet/enet_cookie.hpp"

namespace tickwire::detail {

/// A caller's way to the door: asks for a cookie again and again, one candidate more each time
/// until all are asked, knocks with the first answer, and begins anew when nobody opens. No socket
/// and no clock of its own; for how long is its owner's business.
class EnetCall {
 public:
  /// Where to send CONNECT, and what goes along.
  struct Knock {
    Ipv4Endpoint at;
    std::uint32_t cookie = 0;
    bool probe_passed = false;
  };

  /// Pre: at least one candidate, best first. Errors: `out_of_resources` without random numbers.
  [[nodiscard]] static Result<EnetCall> begin(std::vector<Ipv4Endpoint> candidates, TimePoint now);

  /// Those to whom `question` is to be sent now.
  [[nodiscard]] std::span<const Ipv4Endpoint> due(TimePoint now);
  [[nodiscard]] CookieBytes question() const noexcept;
  /// Whether it answers a question of this call; the first that does is kept. So a probe goes out
  /// before the question.
  [[nodiscard]] bool take(const CookieDatagram& answer, Ipv4Endpoint from) noexcept;
  /// Once after each answer that was kept.
  [[nodiscard]] std::optional<Knock> knock(TimePoint now);
  /// Whether the knock has been in vain for so long that asking begins anew.
  [[nodiscard]] bool starts_over(TimePoint now);

  /// No knock is under way.
  [[nodiscard]] bool is_asking() const noexcept { return !knocked_at_; }
  /// When `due` is wanted.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept;

 private:
  EnetCall(std::vector<Ipv4Endpoint> candidates, std::uint64_t nonce, TimePoint now);

  std::vector<Ipv4Endpoint> candidates_;
  std::uint64_t nonce_;
  std::size_t asked_ = 0;  // of the candidates, since asking began
  Duration interval_{};    // to the next question
  TimePoint ask_at_;
  std::optional<Knock> answer_;
  std::optional<TimePoint> knocked_at_;
};

}  // namespace tickwire::detail
