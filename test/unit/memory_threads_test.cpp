// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lib/transport/memory/memory_core.hpp"
#include "test/support/memory_pair.hpp"

using namespace std::chrono_literals;
using namespace tickwire;
using detail::Lane;
using test::RecordingLink;
using test::TransportHost;

namespace {

// What a host sleeps on.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    condition_.notify_one();
  }
  void wait_until(TimePoint deadline) {
    std::unique_lock lock(mutex_);
    condition_.wait_until(lock, deadline, [&] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool rung_ = false;
};

// A host under the steady clock that sleeps as a real one does: until it is woken, or until its
// transport's deadline.
struct ThreadHost {
  explicit ThreadHost(const std::shared_ptr<MemoryNetwork>& network)
      : host(test::on_network(network), steady_clock(), {.wake = [bell = bell] { bell->ring(); }}) {
  }

  // Answers whether `done` came true before the time was up, which only a lost wake-up makes long.
  bool run_until(const std::function<bool()>& done) {
    const TimePoint give_up = steady_clock().now() + 60s;
    for (;;) {
      host.service();
      if (done()) return true;
      host.flush();
      if (steady_clock().now() >= give_up) return false;
      const auto next = host.transport->next_deadline();
      bell->wait_until(next && *next < give_up ? *next : give_up);
    }
  }

  std::shared_ptr<Bell> bell = std::make_shared<Bell>();
  TransportHost host;
};

}  // namespace

TEST_CASE("memory threads: two hosts on two threads wake each other, thousands of times") {
  std::shared_ptr<MemoryNetwork> network;
  const char* url = "memory://threads.ping";
  SUBCASE("on the process-wide network") {}
  SUBCASE("on a network that delays") {
    network = std::make_shared<MemoryNetwork>(1, NetworkConditions{.delay = 20us, .jitter = 20us});
  }
  constexpr std::size_t kRounds = 2000;
  ThreadHost server(network);
  REQUIRE(server.host.listen(url));
  server.host.when_incoming = [](RecordingLink& end) {
    end.when_packet = [&end] { end.send(end.arrived.back().text); };
  };
  bool client_done = false;
  std::thread thread([&] {
    ThreadHost client(network);
    RecordingLink& end = client.host.dial(url);
    end.when_up = [&] { end.send("0"); };
    end.when_packet = [&] {
      if (end.arrived.size() < kRounds) end.send(std::to_string(end.arrived.size()));
    };
    client_done = client.run_until([&] { return end.arrived.size() == kRounds; });
  });
  const bool server_done = server.run_until(
      [&] { return !server.host.accepted.empty() && server.host.accepted[0]->downs == 1; });
  thread.join();
  CHECK(client_done);
  REQUIRE(server_done);
  CHECK(server.host.accepted[0]->arrived.size() == kRounds);
}

TEST_CASE("memory threads: a sender that waits for room is woken, and all arrives in order") {
  constexpr int kPackets = 4000;
  const char* url = "memory://threads.flood";
  ThreadHost server(nullptr);
  REQUIRE(server.host.listen(url));
  bool client_done = false;
  std::atomic<std::size_t> most_under_way{0};
  std::thread thread([&] {
    ThreadHost client(nullptr);
    RecordingLink& end = client.host.dial(url);
    int sent = 0;
    const auto fill = [&] {
      while (end.ups == 1 && sent < kPackets && end.link->capacity_bytes(Lane::reliable) >= 4096) {
        std::string text = std::to_string(sent++);
        text.resize(4096, ' ');
        end.send(text);
        most_under_way =
            std::max(most_under_way.load(),
                     detail::kMemoryWindowBytes - end.link->capacity_bytes(Lane::reliable));
      }
      return sent == kPackets;
    };
    client_done = client.run_until(fill);
    end.link->close();
  });
  const bool server_done = server.run_until(
      [&] { return !server.host.accepted.empty() && server.host.accepted[0]->downs == 1; });
  thread.join();
  CHECK(client_done);
  REQUIRE(server_done);
  CHECK(most_under_way <= detail::kMemoryWindowBytes);
  const auto& arrived = server.host.accepted[0]->arrived;
  REQUIRE(arrived.size() == kPackets);
  int wrong = 0;
  for (int i = 0; i < kPackets; ++i)
    wrong += std::stoi(arrived[static_cast<std::size_t>(i)].text) == i ? 0 : 1;
  CHECK(wrong == 0);
}

TEST_CASE("memory threads: a host may go while another sends to it, calls it or is called") {
  const char* url = "memory://threads.going";
  std::atomic<bool> stop{false};
  std::thread thread([&] {
    while (!stop) {
      ThreadHost server(nullptr);
      if (!server.host.listen(url)) continue;
      int served = 0;
      server.host.when_incoming = [&](RecordingLink& end) {
        end.send("welcome", Lane::datagram);
        end.when_packet = [&] { ++served; };
      };
      static_cast<void>(server.run_until([&] { return served >= 3 || stop; }));
    }
  });
  // Calls and sends without looking whether the other is still there.
  ThreadHost client(nullptr);
  int cut = 0;
  int refused = 0;
  const TimePoint give_up = steady_clock().now() + 60s;
  while ((cut < 200 || refused < 200) && steady_clock().now() < give_up) {
    if (client.host.dialled.size() < 20) client.host.dial(url);
    client.host.service();
    for (auto& end : client.host.dialled) {
      if (end->ups == 1) end->send("x");
      cut += end->ups == 1 && end->downs == 1 ? 1 : 0;
      refused += end->ups == 0 && end->downs == 1 ? 1 : 0;
    }
    std::erase_if(client.host.dialled, [](const auto& end) { return end->downs == 1; });
  }
  stop = true;
  client.host.dialled.clear();
  client.host.dial(url);  // wakes the server, should it sleep
  thread.join();
  CHECK(cut >= 200);
  CHECK(refused >= 200);
}

TEST_CASE("memory threads: a third thread may change, cut and watch the network") {
  const auto network = std::make_shared<MemoryNetwork>(3, NetworkConditions{.jitter = 50us});
  const char* url = "memory://threads.meddled";
  std::atomic<bool> stop{false};
  std::thread serving([&] {
    ThreadHost server(network);
    if (!server.host.listen(url)) return;
    server.host.when_incoming = [](RecordingLink& end) {
      end.when_packet = [&end] { end.send("pong", Lane::datagram); };
    };
    while (!stop)
      server.host.service();
  });
  std::thread meddling([&] {
    detail::SplitMix64 random(5);
    while (!stop) {
      network->set_conditions({.delay = Duration(random.next() % 10'000),
                               .jitter = Duration(random.next() % 10'000),
                               .loss_ratio = 0.1});
      if (random.next() % 8 == 0) network->sever_all();
      if (random.next() % 8 == 0) network->drop_everything(10us);
      static_cast<void>(network->stats());
      std::this_thread::yield();
    }
  });
  ThreadHost client(network);
  int cut = 0;
  const bool done = client.run_until([&] {
    for (auto& end : client.host.dialled) {
      cut += end->downs;
      if (end->downs == 0 && end->ups == 1) end->send("ping", Lane::datagram);
    }
    std::erase_if(client.host.dialled, [](const auto& end) { return end->downs > 0; });
    if (client.host.dialled.size() < 4) client.host.dial(url);
    return cut >= 200;
  });
  stop = true;
  serving.join();
  meddling.join();
  CHECK(done);
}
