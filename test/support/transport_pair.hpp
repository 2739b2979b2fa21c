// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/testing.hpp>

#include "lib/base/buffer.hpp"
#include "lib/base/packet.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::test {

/// One end of a link, and all that it was told.
class RecordingLink final : public detail::LinkHandler {
 public:
  struct Arrived {
    std::string text;
    TimePoint at;
    friend bool operator==(const Arrived&, const Arrived&) = default;
  };

  explicit RecordingLink(detail::BufferPool& pool) : pool_(&pool) {}

  void send(std::string_view text, detail::Lane lane = detail::Lane::reliable,
            std::uint8_t channel = 0) {
    detail::Packet packet(*pool_, text.size());
    packet.append(std::as_bytes(std::span(text)));
    link->send(std::move(packet), lane, channel);
  }
  /// The texts alone, in order of arrival.
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Arrived& each : arrived)
      all.push_back(each.text);
    return all;
  }

  void on_link_up() override {
    ++ups;
    if (when_up) when_up();
  }
  void on_packet(detail::Packet packet, TimePoint now) override {
    const auto bytes = packet.bytes();
    arrived.push_back(
        {std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), now});
    if (when_packet) when_packet();
  }
  void on_progress(TimePoint) override { ++progress; }
  void on_end_of_stream(TimePoint) override { ++ends_of_stream; }
  void on_link_down(Error error) override {
    ++downs;
    down = std::move(error);
    if (when_down) when_down();
  }

  std::unique_ptr<detail::Link> link;
  int ups = 0;
  int downs = 0;
  int progress = 0;
  int ends_of_stream = 0;
  std::optional<Error> down;
  std::vector<Arrived> arrived;
  std::function<void()> when_up;
  std::function<void()> when_packet;
  std::function<void()> when_down;

 private:
  detail::BufferPool* pool_;
};

/// A poller that asks no operating system: whatever is watched counts as ready.
class EagerPoller final : public detail::Poller {
 public:
  bool wait_until(TimePoint) override {
    const auto watched = targets_;
    for (const auto& [socket, target] : watched)
      if (targets_.contains(socket)) target->on_ready(detail::Edge::bytes);
    return !watched.empty();
  }
  void wake() noexcept override {}

  [[nodiscard]] std::vector<detail::SocketHandle> sockets() const {
    std::vector<detail::SocketHandle> handles;
    for (const auto& [socket, target] : targets_)
      handles.push_back(socket);
    return handles;
  }

 private:
  bool change(detail::SocketHandle socket, detail::Interest, detail::Interest to, detail::Trigger,
              detail::PollTarget& target) noexcept override {
    if (to == detail::Interest::none) {
      targets_.erase(socket);
    } else {
      targets_[socket] = &target;
    }
    return true;
  }

  std::map<detail::SocketHandle, detail::PollTarget*> targets_;
};

/// A transport with what a host gives it: a pool, a handler that accepts, a counted wake-up.
struct TransportHost final : detail::TransportHandler {
  using Make = std::function<std::unique_ptr<detail::Transport>(detail::TransportContext)>;
  struct Options {
    std::size_t max_links = 1000;
    std::pmr::memory_resource* memory = std::pmr::new_delete_resource();
    std::function<void()> wake{};  ///< called besides the counting; any thread, for ever
  };

  TransportHost(const Make& make, const Clock& host_clock) : TransportHost(make, host_clock, {}) {}
  TransportHost(const Make& make, const Clock& host_clock, Options options)
      : clock(&host_clock), pool(options.memory) {
    detail::TransportContext context;
    context.clock = clock;
    context.pool = &*pool;
    context.poller = &poller;
    context.handler = this;
    context.wake = [count = wakes, wake = std::move(options.wake)] {
      ++*count;
      if (wake) wake();
    };
    context.channels = 8;
    context.max_links = options.max_links;
    context.idle = std::chrono::seconds(10);
    context.handshake = std::chrono::seconds(5);
    transport = make(std::move(context));
  }

  [[nodiscard]] Result<Address> listen(std::string_view url, std::size_t max_links = 1000,
                                       std::size_t listener = 0) {
    return transport->listen({*Address::parse(url), max_links, listener, {}});
  }
  /// The end that it returns lives as long as this host.
  RecordingLink& dial(std::string_view url) { return dial({*Address::parse(url)}); }
  RecordingLink& dial(std::vector<Address> candidates) {
    dialled.push_back(std::make_unique<RecordingLink>(*pool));
    RecordingLink& end = *dialled.back();
    const std::string host = candidates.front().host;
    auto link = transport->dial({std::move(candidates), &end, host, {}});
    REQUIRE(link);
    end.link = std::move(*link);
    return end;
  }
  void service() {
    poller.wait(Duration::zero());
    transport->service(clock->now());
  }
  void flush() { transport->flush(clock->now()); }

  detail::LinkHandler* on_incoming(std::unique_ptr<detail::Link> link,
                                   std::size_t listener) override {
    incoming_listeners.push_back(listener);
    if (turn_away) return nullptr;
    accepted.push_back(std::make_unique<RecordingLink>(*pool));
    accepted.back()->link = std::move(link);
    if (when_incoming) when_incoming(*accepted.back());
    return accepted.back().get();
  }
  void on_handshake_failed(const Address&, const Error& error) override {
    failed_handshakes.push_back(error);
  }
  void on_accepting_paused(std::size_t, Error error) override {
    pauses.push_back(std::move(error));
  }
  void on_listener_lost(std::size_t listener, Error) override {
    lost_listeners.push_back(listener);
  }

  // Destroyed from the end: links before their transport, the transport before the pool.
  const Clock* clock;
  std::shared_ptr<std::atomic<int>> wakes = std::make_shared<std::atomic<int>>(0);
  detail::PoolOwner pool;
  EagerPoller poller;
  std::vector<Error> failed_handshakes;
  std::vector<Error> pauses;
  std::unique_ptr<detail::Transport> transport;
  std::vector<std::unique_ptr<RecordingLink>> dialled;
  std::vector<std::unique_ptr<RecordingLink>> accepted;
  std::vector<std::size_t> incoming_listeners;
  std::vector<std::size_t> lost_listeners;
  bool turn_away = false;
  std::function<void(RecordingLink&)> when_incoming;
};

/// Services both until neither has anything due, moving the clock to whatever comes next; stops at
/// `until`, where the clock then stands.
inline void run_until(ManualClock& clock, TransportHost& a, TransportHost& b, TimePoint until) {
  for (;;) {
    for (TransportHost* host : {&a, &b}) {
      host->service();
      host->flush();
    }
    std::optional<TimePoint> next = a.transport->next_deadline();
    if (const auto other = b.transport->next_deadline(); other && (!next || *other < *next)) {
      next = other;
    }
    if (!next || *next > until) break;
    clock.advance_to(*next);
  }
  clock.advance_to(until);
}

inline void run_for(ManualClock& clock, TransportHost& a, TransportHost& b, Duration time) {
  run_until(clock, a, b, clock.now() + time);
}

}  // namespace tickwire::test
