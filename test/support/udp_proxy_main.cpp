// SPDX-License-Identifier: MIT
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/support/udp_proxy.hpp"

/// `tickwire-udp-proxy`: a bad network for programs that are tested as they are.
namespace {

using tickwire::test::ProxyDirection;
using tickwire::test::UdpImpairment;
using tickwire::test::UdpProxy;
using Time = UdpProxy::Time;

constexpr const char* kUsage =
    "usage: tickwire-udp-proxy --to HOST:PORT [--listen 127.0.0.1:0] [--loss RATIO]\n"
    "         [--duplicate RATIO] [--reorder RATIO] [--reorder-ms N] [--delay-ms N]\n"
    "         [--jitter-ms N] [--flip RATIO] [--rate BYTES_PER_SECOND] [--queue-bytes N]\n"
    "         [--direction both|to-server|to-clients] [--seed N] [--ready-file FILE]\n"
    "         [--seconds N]\n"
    "Forwards UDP datagrams both ways and damages them. What stands behind a --direction concerns\n"
    "that one alone. Ends on SIGTERM, SIGINT or after N seconds, and says what it did. FILE is\n"
    "written once it listens, with the address that it got.\n";

volatile std::sig_atomic_t is_stopped = 0;

void stop(int) {
  is_stopped = 1;
}

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string to;
  std::string ready_file;
  UdpImpairment to_server;
  UdpImpairment to_clients;
  std::string direction = "both";
  std::uint64_t seed = 1;
  std::optional<double> seconds;
};

double number(const std::string& name, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0 && value <= 1e9)) {
    throw std::runtime_error(name + ": '" + text + "' is no number from 0 to 1000000000");
  }
  return value;
}

double ratio(const std::string& name, const std::string& text) {
  const double value = number(name, text);
  if (value > 1) throw std::runtime_error(name + ": '" + text + "' is not from 0 to 1");
  return value;
}

Time milliseconds(const std::string& name, const std::string& text) {
  return std::chrono::duration_cast<Time>(
      std::chrono::duration<double, std::milli>(number(name, text)));
}

// False when it is not one of an impairment's.
bool set(UdpImpairment& impairment, const std::string& name, const std::string& value) {
  if (name == "--loss") {
    impairment.loss_ratio = ratio(name, value);
  } else if (name == "--duplicate") {
    impairment.duplicate_ratio = ratio(name, value);
  } else if (name == "--reorder") {
    impairment.reorder_ratio = ratio(name, value);
  } else if (name == "--reorder-ms") {
    impairment.reorder_delay = milliseconds(name, value);
  } else if (name == "--delay-ms") {
    impairment.delay = milliseconds(name, value);
  } else if (name == "--jitter-ms") {
    impairment.jitter = milliseconds(name, value);
  } else if (name == "--flip") {
    impairment.flip_ratio = ratio(name, value);
  } else if (name == "--rate") {
    impairment.bytes_per_second = static_cast<std::uint64_t>(number(name, value));
  } else if (name == "--queue-bytes") {
    impairment.max_queue_bytes = static_cast<std::size_t>(number(name, value));
  } else {
    return false;
  }
  return true;
}

void set(Options& options, const std::string& name, const std::string& value) {
  if (name == "--listen") {
    options.listen = value;
  } else if (name == "--to") {
    options.to = value;
  } else if (name == "--ready-file") {
    options.ready_file = value;
  } else if (name == "--seed") {
    options.seed = static_cast<std::uint64_t>(number(name, value));
  } else if (name == "--seconds") {
    options.seconds = number(name, value);
  } else if (name == "--direction") {
    if (value != "both" && value != "to-server" && value != "to-clients") {
      throw std::runtime_error(name + ": '" + value + "' is not both, to-server or to-clients");
    }
    options.direction = value;
  } else {
    const bool known = (options.direction == "to-clients" || set(options.to_server, name, value)) &&
                       (options.direction == "to-server" || set(options.to_clients, name, value));
    if (!known) throw std::runtime_error("unknown option '" + name + "'");
  }
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) throw std::runtime_error(arguments[i] + " wants a value");
    set(options, arguments[i], arguments[i + 1]);
  }
  if (options.to.empty()) throw std::runtime_error("--to is missing");
  return options;
}

Time now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

void wait(const UdpProxy& proxy, Time until) {
  std::vector<pollfd> polled;
  for (const int handle : proxy.handles())
    polled.push_back({handle, POLLIN, 0});
  until = std::min(until, proxy.next_due().value_or(until));
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
  poll(polled.data(), polled.size(), static_cast<int>(std::clamp<long long>(wait_ms, 0, 200)));
}

void report(const char* direction, const UdpProxy::Counters& counters) {
  std::cout << direction << ": received " << counters.received << ", forwarded "
            << counters.forwarded << ", lost " << counters.lost << ", too large "
            << counters.too_large << ", duplicated " << counters.duplicated << ", reordered "
            << counters.reordered << ", failed " << counters.failed << ", flipped "
            << counters.flipped << ", dropped by a full queue " << counters.queue_full << '\n';
}

void run(const Options& options) {
  UdpProxy proxy(tickwire::test::parse_udp_address(options.listen),
                 tickwire::test::parse_udp_address(options.to), options.to_server, options.seed);
  proxy.set(ProxyDirection::to_clients, options.to_clients);
  const std::string place = tickwire::test::to_text(proxy.local());
  if (!options.ready_file.empty()) {
    // Whole or not at all: whoever waits for the file must not read half an address.
    const std::string draft = options.ready_file + ".new";
    std::ofstream(draft) << place << '\n';
    if (std::rename(draft.c_str(), options.ready_file.c_str()) != 0) {
      throw std::runtime_error("cannot write " + options.ready_file);
    }
  }
  std::cout << "listening on " << place << std::endl;
  const Time end =
      options.seconds ? now() + Time(static_cast<Time::rep>(*options.seconds * 1e9)) : Time::max();
  while (is_stopped == 0 && now() < end) {
    wait(proxy, end);
    proxy.service(now());
  }
  report("to server", proxy.to_server());
  report("to clients", proxy.to_clients());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::cout << kUsage;
    return 0;
  }
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  try {
    run(parse(arguments));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "tickwire-udp-proxy: " << error.what() << '\n' << kUsage;
    return 2;
  }
}
