// SPDX-License-Identifier: MIT
#include "tickwire_host.hpp"

#include <stdexcept>

namespace bench {

tickwire::HostConfig host_config(const TlsFiles* files) {
  tickwire::HostConfig config;
  config.application = "bench/1";
  config.tick_rate_hz.reset();
  if (files != nullptr) {
    config.tls.certificate_file = files->certificate();
    config.tls.private_key_file = files->private_key();
    config.tls.pinned_certificate_file = files->certificate();
  }
  return config;
}

std::string listen_on_loopback(tickwire::Host& host, std::string_view scheme) {
  const auto bound = host.listen(std::string(scheme) + "://127.0.0.1:0");
  if (!bound) throw_error(bound.error());
  return bound->to_string();
}

void throw_error(const tickwire::Error& error) {
  throw std::runtime_error(error.message());
}

void expect_life(const tickwire::Event& event) {
  using tickwire::EventType;
  if (event.type == EventType::error || event.type == EventType::disconnected)
    throw_error(event.error);
}

}  // namespace bench
