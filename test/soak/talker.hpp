// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

#include "test/soak/cell.hpp"

namespace tickwire::soak {

/// One way's messages of one kind.
enum class Stream : std::uint8_t { reliable, unreliable, bulk };
inline constexpr std::size_t kStreams = 3;

/// Where each stream goes: one channel each, what is bulk below the rest.
[[nodiscard]] std::vector<ChannelConfig> channels();

/// One end of a conversation: says numbered messages with a hash of their contents, and checks what
/// it hears of the other's.
class Talker {
 public:
  struct Counts {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  Talker(Traffic traffic, std::uint64_t seed) : traffic_(traffic), random_(seed) {}

  /// Says what is due. Called every step.
  void speak(const Connection& to, TimePoint now);
  /// Takes in one message; what is wrong with it is kept.
  void hear(const Event& message);

  [[nodiscard]] const Counts& said(Stream stream) const { return said_[index(stream)]; }
  [[nodiscard]] const Counts& heard(Stream stream) const { return heard_[index(stream)]; }
  /// Whether all that the other end said reliably has come.
  [[nodiscard]] bool heard_all_of(const Talker& other) const;
  /// What went wrong, the first few in words.
  [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }

 private:
  [[nodiscard]] static std::size_t index(Stream stream) { return static_cast<std::size_t>(stream); }
  void say(const Connection& to, Stream stream, std::size_t max_bytes);
  void fault(std::string what);

  Traffic traffic_;
  std::mt19937_64 random_;
  std::optional<TimePoint> next_at_;
  std::array<Counts, kStreams> said_{};
  std::array<Counts, kStreams> heard_{};
  std::vector<bool> unreliable_heard_;
  std::vector<std::string> faults_;
  std::vector<std::byte> buffer_;
};

}  // namespace tickwire::soak
