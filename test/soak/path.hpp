// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <tickwire/host.hpp>

#include "test/soak/cell.hpp"

namespace tickwire::soak {

/// The network between a server and a client.
class Path {
 public:
  virtual ~Path() = default;
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  /// For the config of both hosts.
  virtual void complete(HostConfig&) const {}
  [[nodiscard]] virtual std::string listen_url() const = 0;
  /// What the client dials to reach a server that listens there.
  [[nodiscard]] virtual std::string dial_url(const Address& server) = 0;
  /// Passes on what is due.
  virtual void service(TimePoint) {}

 protected:
  Path() = default;
};

[[nodiscard]] std::unique_ptr<Path> make_path(const Cell& cell, std::uint64_t seed);

}  // namespace tickwire::soak
