// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <tickwire/testing.hpp>

#include "test/support/chaos_host.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/session_traffic.hpp"

namespace tickwire::test {

/// Two hosts that call one another, and a random life that a seed decides: sends of every kind,
/// closes, faults, stalls and time. Afterwards every promise of architecture.md is checked.
class HostChaos {
 public:
  HostChaos(const Scheme& scheme, std::uint64_t seed);

  /// Lives one life. Returns the first promise that was broken, or nothing.
  [[nodiscard]] std::string run();

  /// What happened in all lives so far, so that a test can see that it tested something.
  struct Tally {
    std::size_t connected = 0;
    std::size_t interrupted = 0;
    std::size_t resumed = 0;
    std::size_t ended = 0;
    std::size_t sent = 0;
    std::size_t heard = 0;
  };
  [[nodiscard]] Tally tally() const;

 private:
  struct End {
    std::unique_ptr<ChaosHost> host;
    std::string url;
    std::size_t asleep_for = 0;  // steps
  };

  [[nodiscard]] HostConfig random_config();
  void random_network();
  void act();
  void dial(End& from, End& to);
  void say(End& end);
  void say_to_many(End& end);
  [[nodiscard]] SendOptions random_options(SendNumber number);
  [[nodiscard]] std::size_t random_bytes(const SendOptions& options);
  [[nodiscard]] Connection random_connection(End& end);
  void step(Duration by);
  std::size_t poll_awake();
  void settle();
  void end_all();
  void run_until_over();

  void compare();
  void compare(ChaosHost& from, ChaosHost& to);
  [[nodiscard]] static std::string mismatch(const Course& said, const ChaosHost& from,
                                            const Course& heard);
  [[nodiscard]] static std::string loss(const Course& said, const Course& heard);
  void check_acknowledged(ChaosHost& from, const ChaosHost& to);
  [[nodiscard]] ChaosHost& chaos(std::size_t index) { return *ends_[index].host; }

  const Scheme& scheme_;
  Dice dice_;
  bool resumes_ = false;
  bool redials_ = false;
  ManualClock clock_;
  std::shared_ptr<MemoryNetwork> network_;
  std::array<End, 2> ends_;
  SendNumber last_number_ = 0;
  int names_ = 0;
  std::string breach_;
};

}  // namespace tickwire::test
