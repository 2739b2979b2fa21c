// SPDX-License-Identifier: MIT
#include "test/soak/path.hpp"

#include <optional>

#include <tickwire/testing.hpp>

#include "test/support/tcp_proxy.hpp"
#include "test/support/udp_proxy.hpp"

namespace tickwire::soak {
namespace {

using test::ProxyDirection;
using test::TcpImpairment;
using test::TcpProxy;
using test::UdpImpairment;
using test::UdpProxy;

constexpr const char* kAnyPort = "127.0.0.1:0";
// More than is ever on its way where no rate holds it up.
constexpr std::size_t kUnlimitedWaitingBytes = 4 * 1024 * 1024;

std::string place_of(const Address& server) {
  return server.host + ":" + std::to_string(server.port);
}

std::size_t queue_bytes(std::uint64_t bytes_per_second) {
  return static_cast<std::size_t>(bytes_per_second) *
         static_cast<std::size_t>(kQueueTime / std::chrono::milliseconds(1)) / 1000;
}

// Lets both ways stall, once in a while.
class Stalls {
 public:
  explicit Stalls(Duration each) : each_(each) {}

  [[nodiscard]] Duration each() const noexcept { return each_; }
  [[nodiscard]] bool is_due(TimePoint now) {
    if (each_ == Duration::zero()) return false;
    if (!next_at_) next_at_ = now + kStallInterval / 2;
    if (now < *next_at_) return false;
    *next_at_ += kStallInterval;
    return true;
  }
  template <class Proxy>
  void service(Proxy& proxy, TimePoint now) {
    if (!is_due(now)) return;
    for (const ProxyDirection way : {ProxyDirection::to_server, ProxyDirection::to_clients})
      proxy.stall(way, (now + each_).time_since_epoch());
  }

 private:
  Duration each_;
  std::optional<TimePoint> next_at_;
};

class UdpPath final : public Path {
 public:
  UdpPath(const Conditions& conditions, std::uint64_t seed)
      : seed_(seed), stalls_(conditions.stall) {
    impairment_.flip_ratio = conditions.flip_ratio;
    impairment_.loss_ratio = conditions.loss_ratio;
    impairment_.duplicate_ratio = conditions.duplicate_ratio;
    impairment_.reorder_ratio = conditions.reorder_ratio;
    impairment_.reorder_delay = kReorderDelay;
    impairment_.delay = conditions.delay;
    impairment_.jitter = conditions.jitter;
    impairment_.bytes_per_second = conditions.bytes_per_second;
    if (conditions.bytes_per_second) {
      impairment_.max_queue_bytes = queue_bytes(*conditions.bytes_per_second);
    }
  }

  [[nodiscard]] std::string listen_url() const override {
    return std::string("enet://") + kAnyPort;
  }
  [[nodiscard]] std::string dial_url(const Address& server) override {
    proxy_.emplace(test::parse_udp_address(kAnyPort), test::parse_udp_address(place_of(server)),
                   impairment_, seed_);
    return "enet://" + test::to_text(proxy_->local());
  }
  void service(TimePoint now) override {
    stalls_.service(*proxy_, now);
    proxy_->service(now.time_since_epoch());
  }

 private:
  UdpImpairment impairment_;
  std::uint64_t seed_;
  Stalls stalls_;
  std::optional<UdpProxy> proxy_;
};

class TcpPath final : public Path {
 public:
  explicit TcpPath(const Conditions& conditions) : stalls_(conditions.stall) {
    impairment_.delay = conditions.delay + conditions.jitter / 2;
    impairment_.bytes_per_second = conditions.bytes_per_second;
    impairment_.max_waiting_bytes = conditions.bytes_per_second
                                        ? queue_bytes(*conditions.bytes_per_second)
                                        : kUnlimitedWaitingBytes;
  }

  [[nodiscard]] std::string listen_url() const override { return std::string("tcp://") + kAnyPort; }
  [[nodiscard]] std::string dial_url(const Address& server) override {
    proxy_.emplace(test::parse_udp_address(kAnyPort), test::parse_udp_address(place_of(server)),
                   impairment_);
    return "tcp://" + test::to_text(proxy_->local());
  }
  void service(TimePoint now) override {
    stalls_.service(*proxy_, now);
    proxy_->service(now.time_since_epoch());
  }

 private:
  TcpImpairment impairment_;
  Stalls stalls_;
  std::optional<TcpProxy> proxy_;
};

class MemoryPath final : public Path {
 public:
  MemoryPath(const Conditions& conditions, std::uint64_t seed) : stalls_(conditions.stall) {
    NetworkConditions network;
    network.flip_ratio = conditions.flip_ratio;
    network.loss_ratio = conditions.loss_ratio;
    network.duplicate_ratio = conditions.duplicate_ratio;
    network.reorder_ratio = conditions.reorder_ratio;
    network.reorder_delay = kReorderDelay;
    network.delay = conditions.delay;
    network.jitter = conditions.jitter;
    network.bandwidth_bytes_per_second = conditions.bytes_per_second;
    network.max_queue_delay = kQueueTime;
    network_ = std::make_shared<MemoryNetwork>(seed, network);
  }

  void complete(HostConfig& config) const override { config.memory_network = network_; }
  [[nodiscard]] std::string listen_url() const override { return "memory://soak"; }
  [[nodiscard]] std::string dial_url(const Address&) override { return listen_url(); }
  void service(TimePoint now) override {
    if (stalls_.is_due(now)) network_->stall(stalls_.each());
  }

 private:
  std::shared_ptr<MemoryNetwork> network_;
  Stalls stalls_;
};

}  // namespace

std::unique_ptr<Path> make_path(const Cell& cell, std::uint64_t seed) {
  switch (cell.transport) {
    case Transport::enet:
      return std::make_unique<UdpPath>(cell.conditions, seed);
    case Transport::tcp:
      return std::make_unique<TcpPath>(cell.conditions);
    case Transport::memory:
      return std::make_unique<MemoryPath>(cell.conditions, seed);
  }
  return nullptr;
}

}  // namespace tickwire::soak
