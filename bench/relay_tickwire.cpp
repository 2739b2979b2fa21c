// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <string>
#include <tickwire/tickwire.hpp>
#include <vector>

#include "support/relay.hpp"
#include "support/tickwire_host.hpp"

/// A relay of voices with Tickwire over ENet, as in demos/voice/relay: unreliable messages go on
/// by `Host::forward`.
namespace {

using namespace std::chrono_literals;
using tickwire::Connection;
using tickwire::EventType;

tickwire::HostConfig config_for() {
  tickwire::HostConfig config = bench::host_config(nullptr);
  config.channels = {{.delivery = tickwire::Delivery::unreliable}};
  // All call at once, perhaps while others have the processor.
  config.timeouts.connect = config.timeouts.handshake = 20s;
  config.events = tickwire::EventMask::all().without(EventType::data_sent);
  return config;
}

class Relay {
 public:
  Relay(const bench::RelayOptions& options, bench::RelayMeter& meter)
      : options_(options), meter_(meter), rooms_(options.clients / options.room) {}

  [[nodiscard]] tickwire::Host& host() { return host_; }

  void pass() {
    for (auto event = next_event(); event; event = host_.poll()) {
      bench::expect_life(*event);
      if (event->type == EventType::data_received) pass_on(*event);
    }
    meter_.look();
  }

 private:
  using Room = std::vector<Connection>;

  std::optional<tickwire::Event> next_event() {
    return ticks_.wait() ? host_.poll() : host_.wait_for(20ms);
  }

  void pass_on(const tickwire::Event& event) {
    Connection from = event.connection;
    auto* room = from.user_data<Room*>();
    if (room == nullptr) room = enter(from, event.bytes());
    if (room == nullptr) return;
    others_.clear();
    for (const Connection& member : **room)
      if (member != from) others_.push_back(member);
    meter_.forwarded(host_.forward(event, others_).queued);
  }

  // A client's first packet says who it is.
  Room** enter(Connection from, bench::Packet packet) {
    const auto talker = bench::talker_of(packet, options_);
    if (!talker) return nullptr;
    Room& room = rooms_[*talker / options_.room];
    room.push_back(from);
    from.set_user_data(&room);
    return from.user_data<Room*>();
  }

  const bench::RelayOptions& options_;
  bench::RelayMeter& meter_;
  std::vector<Room> rooms_;
  std::vector<Connection> others_;
  bench::RelayTicks ticks_{options_.tick_ms};
  tickwire::Host host_{config_for()};
};

void relay(const bench::RelayOptions& options, const bench::TextPipe& address,
           const bench::TextPipe& done, bench::RelayMeter& meter) {
  Relay relay(options, meter);
  address.send(bench::listen_on_loopback(relay.host(), "enet"));
  while (!done.has_text())
    relay.pass();
}

std::vector<Connection> dial_all(const bench::RelayOptions& options, tickwire::Host& host,
                                 const std::string& url) {
  std::vector<Connection> clients;
  for (std::size_t i = 0; i < options.clients; ++i) {
    const auto call = host.connect(url, {.user_data = i});
    if (!call) bench::throw_error(call.error());
    clients.push_back(*call);
  }
  for (std::size_t up = 0; up < clients.size();) {
    for (auto event = host.wait_for(100ms); event; event = host.poll()) {
      bench::expect_life(*event);
      if (event->type == EventType::connected) ++up;
    }
  }
  return clients;
}

void load(const bench::RelayOptions& options, const std::string& url, const bench::TextPipe& done) {
  tickwire::Host host(config_for());
  const std::vector<Connection> clients = dial_all(options, host, url);
  bench::Talkers talkers(options);
  bench::RelayTicks ticks(bench::kClientTickMs);
  while (!talkers.is_over()) {
    talkers.talk([&](std::size_t client, bench::Packet packet) {
      if (auto sent = host.send_bytes(clients[client], packet); !sent)
        bench::throw_error(sent.error());
    });
    host.flush();
    ticks.wait();
    while (const auto event = host.poll()) {
      bench::expect_life(*event);
      if (event->type == EventType::data_received)
        talkers.hear(*event->connection.user_data<std::size_t>(), event->bytes());
    }
  }
  done.send(talkers.summary());
  for (;;)  // the relay ends first, and this process with it
    static_cast<void>(host.wait_for(100ms));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_relay_options(argc, argv, "tickwire enet");
  return bench::run_relay(options, {.relay = relay, .clients = load});
}
