// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/config.hpp>

#include "lib/transport/transport.hpp"

namespace tickwire::detail {

/// The transports of a host, each made when its scheme is first used.
class Transports {
 public:
  Transports(TransportContext context, std::shared_ptr<MemoryNetwork> memory_network,
             std::optional<double> connects_per_second);
  Transports(const Transports&) = delete;
  Transports& operator=(const Transports&) = delete;

  /// Errors: `unknown_scheme`; what making the transport may say.
  [[nodiscard]] Result<Transport*> find(std::string_view scheme);

  void service(TimePoint now);
  void flush(TimePoint now);
  void stop_listening();
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] Result<void> reload_certificates();
  [[nodiscard]] TransportCounters counters() const;

 private:
  struct Entry {
    std::string scheme;
    std::unique_ptr<Transport> transport;
  };
  std::optional<ConnectRate> connect_rate_;  // of all transports together
  TransportContext context_;
  std::shared_ptr<MemoryNetwork> memory_network_;
  std::vector<Entry> entries_;
};

}  // namespace tickwire::detail
