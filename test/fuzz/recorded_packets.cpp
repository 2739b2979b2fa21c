// SPDX-License-Identifier: MIT
#include "test/fuzz/recorded_packets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "test/support/session_pair.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;

/// Two sessions whose packets are kept as they pass.
class Studio {
 public:
  explicit Studio(Direction receiver)
      : is_dialler_(receiver == Direction::dialled),
        pair_(recorded_plan(Direction::dialled), recorded_plan(Direction::accepted)) {
    pair_.passes = [this](const InFlight& packet) {
      keep(packet, &packet == nullptr);
      return true;
    };
  }

  Recording record();

 private:
  void keep(const InFlight& packet, bool to_dialler);
  void pump();
  void come_back();

  bool is_dialler_;
  SessionPair pair_;
  std::vector<Bytes>* into_ = nullptr;
};

}  // namespace
}  // namespace tickwire::test
