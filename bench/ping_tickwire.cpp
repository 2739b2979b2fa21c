// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <string>
#include <tickwire/tickwire.hpp>

#include "support/ping.hpp"
#include "support/process.hpp"
#include "support/tickwire_host.hpp"
#include "support/tickwire_payloads.hpp"

/// A message there and back over Tickwire: an object or bytes, sent off at once with `flush`.
namespace {

using namespace std::chrono_literals;

tickwire::HostConfig config_for(const bench::PingOptions& options, tickwire::EventMask events) {
  tickwire::HostConfig config = bench::host_config(nullptr);
  config.events = events;
  if (options.spins() && options.spin_by == "config") config.spin = 1s;
  return config;
}

template <class Kind>
class End {
 public:
  End(const bench::PingOptions& options, tickwire::Host& host)
      : host_(host),
        kind_(options.message_bytes),
        polls_(options.spins() && options.spin_by == "poll") {
    send_.delivery = options.delivery == "reliable" ? tickwire::Delivery::reliable
                                                    : tickwire::Delivery::unreliable;
  }

  void send(tickwire::Connection connection, const bench::Stamp& stamp) {
    if (const auto sent = kind_.send(connection, stamp, send_); !sent)
      bench::throw_error(sent.error());
    host_.flush();
  }
  /// The connection that something came from, and what it was.
  [[nodiscard]] std::pair<tickwire::Connection, bench::Stamp> receive() {
    for (;;) {
      const auto event = polls_ ? host_.poll() : host_.wait_for(1s);
      if (!event) continue;
      bench::expect_life(*event);
      if (event->type == Kind::event_type) return {event->connection, kind_.take(*event)};
    }
  }

 private:
  tickwire::Host& host_;
  Kind kind_;
  tickwire::SendOptions send_{};
  bool polls_;
};

template <class Kind>
[[noreturn]] void answer(const bench::PingOptions& options, const std::string& url) {
  tickwire::Host host(config_for(options, Kind::event_type));
  const auto dialled = host.connect(url);
  if (!dialled) bench::throw_error(dialled.error());
  const auto connection = host.wait_connected(*dialled, 5s);
  if (!connection) bench::throw_error(connection.error());

  End<Kind> end(options, host);
  for (;;) {
    const auto [from, stamp] = end.receive();
    end.send(from, stamp);
  }
}

tickwire::Connection wait_for_caller(tickwire::Host& host) {
  for (;;) {
    const auto event = host.wait_for(1s);
    if (!event) continue;
    bench::expect_life(*event);
    if (event->type == tickwire::EventType::connected) return event->connection;
  }
}

template <class Kind>
void run(const bench::PingOptions& options) {
  const bench::TextPipe url;
  bench::Child answering([&] {
    bench::pin(options, bench::PingEnd::answers);
    answer<Kind>(options, url.receive());
  });

  bench::pin(options, bench::PingEnd::asks);
  bench::RoundTrips trips(options);
  tickwire::Host host(config_for(options, tickwire::EventType::connected | Kind::event_type));
  url.send(bench::listen_on_loopback(host, options.scheme));
  const tickwire::Connection connection = wait_for_caller(host);
  End<Kind> end(options, host);
  while (!trips.is_finished()) {
    end.send(connection, trips.next());
    trips.take(end.receive().second);
  }
  answering.end();
  trips.report(Kind::one_message);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "tickwire"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    if (options.payload == "bytes") return run<bench::Bytes>(options);
    run<bench::Moves>(options);
  });
}
