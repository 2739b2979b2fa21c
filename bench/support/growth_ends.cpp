// SPDX-License-Identifier: MIT
#include "growth_ends.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <tickwire/tickwire.hpp>
#include <utility>
#include <vector>

#include "other_process.hpp"
#include "tickwire_host.hpp"
#include "tickwire_payloads.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
using tickwire::Connection;
using tickwire::EventType;

constexpr std::size_t kBurst = 16;  // messages that one connection gets in its turn
constexpr std::size_t kLookBytes = 64 * 1024;
constexpr std::size_t kUnderWayBytes = 4 * 1024 * 1024;
constexpr std::size_t kFewestUnderWay = 2;

tickwire::HostConfig config_for(const GrowthPoint& point) {
  tickwire::HostConfig config = host_config(nullptr);
  config.events = EventType::object_received | EventType::data_received;
  config.channels.resize(point.channels);
  auto& limits = config.limits;
  limits.max_connections = point.connections;
  limits.max_message_bytes = std::max<std::size_t>(point.message_bytes, 1024);
  const std::size_t room = (kFewestUnderWay + 1) * (limits.max_message_bytes + 64);
  limits.max_send_queue_bytes = std::max(limits.max_send_queue_bytes, room);
  limits.receive_window_bytes = std::max(limits.receive_window_bytes, room);
  limits.max_reassembly_bytes = std::max(limits.max_reassembly_bytes, room);
  limits.max_host_reassembly_bytes = std::max(limits.max_host_reassembly_bytes, room);
  auto& timeouts = config.timeouts;
  timeouts.connect = timeouts.handshake = timeouts.idle = 60s;
  return config;
}

/// A process's host, and what has happened there.
class End {
 public:
  End(const GrowthPoint& point, Board& board, EndBoard& own)
      : point_(point), board_(board), own_(begin(own)), host_(config_for(point)) {}

  [[nodiscard]] tickwire::Host& host() { return host_; }

  /// One pass, after a wait for its first event.
  void pass(tickwire::Duration wait) {
    for (auto event = host_.wait_for(wait); event; event = host_.poll())
      take(*event);
    count();
  }

  [[noreturn]] void send_for_ever() {
    while (!board_.go)
      pass(1ms);
    connections_ = host_.connections();
    connections_.resize(point_.busy_connections);
    for (std::size_t turns = 0;;) {
      const std::size_t turn = messages_in_turn();
      if (sent_ > board_.received && sent_ - board_.received + turn > most_under_way()) {
        pass(100us);
        continue;
      }
      point_.way == Way::broadcast ? broadcast() : send();
      const bool is_large = turn * point_.message_bytes >= kLookBytes;
      if (++turns % point_.turns_per_pass == 0 || is_large) pass(0s);
    }
  }
  [[noreturn]] void receive_for_ever() {
    for (;;)
      pass(100ms);
  }

 private:
  static EndBoard& begin(EndBoard& own) {
    own.bytes_before = anonymous_bytes(getpid());
    own.process = getpid();
    return own;
  }

  void take(const tickwire::Event& event) {
    if (!board_.over) expect_life(event);
    if (event.type == EventType::connected) own_.up += 1;
    if (event.type != EventType::data_received && event.type != EventType::object_received) return;
    if (event.bytes().size() != point_.message_bytes)
      throw std::runtime_error("A message has a wrong length.");
    if (++uncounted_ * point_.message_bytes >= kLookBytes) count();
  }
  void count() {
    if (uncounted_ == 0) return;
    board_.received_at = std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
    board_.received += std::exchange(uncounted_, 0);
  }

  [[nodiscard]] std::size_t most_under_way() const {
    return std::max({kFewestUnderWay, kUnderWayBytes / point_.message_bytes, messages_in_turn()});
  }
  [[nodiscard]] std::size_t messages_in_turn() const {
    if (point_.message_bytes >= kLookBytes) return 1;
    return point_.way == Way::broadcast ? kBurst * point_.connections : kBurst;
  }

  void send() {
    const Connection to = connections_[turns_++ % connections_.size()];
    for (std::size_t i = 0, count = messages_in_turn(); i < count; ++i) {
      const auto channel = static_cast<std::uint8_t>(sent_ % point_.channels);
      const auto sent = host_.send_bytes(to, message_, {.channel = channel});
      if (!sent) throw_error(sent.error());
      ++sent_;
    }
  }
  void broadcast() {
    for (std::size_t i = 0; i < kBurst; ++i) {
      const auto result = host_.broadcast(move_);
      if (result.refused > 0) throw std::runtime_error("A listener's queue is full.");
      sent_ += result.queued;
    }
  }

  using Clock = std::chrono::steady_clock;
  const GrowthPoint& point_;
  Board& board_;
  EndBoard& own_;
  std::vector<Connection> connections_;
  std::vector<std::byte> message_ = std::vector<std::byte>(point_.message_bytes);
  Move move_;
  std::uint64_t sent_ = 0;
  std::size_t turns_ = 0;
  std::size_t uncounted_ = 0;
  tickwire::Host host_;
};

}  // namespace

void accept_all(const GrowthPoint& point, Board& board, const TextPipe& address) {
  const bool sends = point.way == Way::broadcast;
  End end(point, board, sends ? board.sender : board.receiver);
  address.send(listen_on_loopback(end.host(), point.scheme));
  if (sends) end.send_for_ever();
  end.receive_for_ever();
}

void dial_all(const GrowthPoint& point, Board& board, const TextPipe& address) {
  constexpr std::size_t kCallsAtOnce = 256;
  const bool sends = point.way == Way::to_acceptor;
  EndBoard& own = sends ? board.sender : board.receiver;
  End end(point, board, own);
  const std::string url = address.receive();
  for (std::size_t dialled = 0; own.up < point.connections;) {
    for (; dialled < point.connections && dialled - own.up < kCallsAtOnce; ++dialled) {
      const auto call = end.host().connect(url);
      if (!call) throw_error(call.error());
    }
    end.pass(100ms);
  }
  if (sends) end.send_for_ever();
  end.receive_for_ever();
}

}  // namespace bench
