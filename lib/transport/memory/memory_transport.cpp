// SPDX-License-Identifier: MIT
#include "lib/transport/memory/memory_transport.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <string>
#include <utility>

#include "lib/base/error_text.hpp"
#include "lib/transport/memory/memory_core.hpp"

namespace tickwire::detail {
namespace {

constexpr std::size_t kMaxPacketBytes = 16 * 1024;
constexpr std::size_t kMaxDatagramBytes = 1200;
constexpr std::size_t kArrivalsPerService = 1024;

/// What a transport and its links share, in whatever order they are destroyed.
struct Local {
  struct Listener {
    std::size_t number = 0;  // the host's own, for `on_incoming`
    std::size_t max_links = 0;
    std::size_t links = 0;
  };

  explicit Local(std::shared_ptr<MemoryCore> shared_core)
      : core(std::move(shared_core)),
        traits{.max_packet_bytes = kMaxPacketBytes,
               .max_datagram_bytes = kMaxDatagramBytes,
               .loses_datagrams = core->kind() == MemoryCore::Kind::impaired,
               .is_private = true} {}

  std::shared_ptr<MemoryCore> core;
  std::shared_ptr<Endpoint> endpoint;
  LinkTraits traits;
  // Bytes under way may outlive the host and its memory resource, so they do not come from there.
  PoolOwner wire_pool{std::pmr::new_delete_resource()};
  std::vector<Listener> listeners;
  std::size_t accepted_links = 0;
};

Error explain(EndReason reason, bool was_up, const Address& peer) {
  const std::string name = peer.to_string();
  switch (reason) {
    case EndReason::no_one:
      return {ErrorCode::connection_refused, 0, "Nobody listens at " + name + "."};
    case EndReason::full:
      return {ErrorCode::server_full, 0, name + " has no free connection."};
    case EndReason::severed:
      return {ErrorCode::connection_reset, 0,
              "The memory network cut the connection with " + name + "."};
    case EndReason::closed:
    case EndReason::gone:
    case EndReason::refused:
      break;
  }
  if (!was_up) return {ErrorCode::connection_refused, 0, name + " turned the connection down."};
  return {ErrorCode::connection_reset, 0,
          name + (reason == EndReason::closed ? " closed" : " dropped") + " the connection."};
}

}  // namespace

class MemoryLink final : public Link {
 public:
  MemoryLink(std::shared_ptr<Local> local, std::shared_ptr<Wire> wire, Side side, Address peer,
             LinkHandler* handler)
      : local_(std::move(local)),
        wire_(std::move(wire)),
        peer_(std::move(peer)),
        handler_(handler),
        side_(side),
        state_(side == Side::dialler ? State::calling : State::called) {
    wire_->end(side_).link = this;
    if (side_ == Side::acceptor) {
      ++local_->listeners[wire_->listener].links;
      ++local_->accepted_links;
    }
  }

  ~MemoryLink() override {
    wire_->end(side_).link = nullptr;
    if (state_ != State::over) {
      const bool unanswered = state_ == State::called;
      local_->core->end(wire_, side_, unanswered ? EndReason::refused : EndReason::gone);
    }
    if (side_ == Side::acceptor) {
      --local_->listeners[wire_->listener].links;
      --local_->accepted_links;
    }
  }

  MemoryLink(const MemoryLink&) = delete;
  MemoryLink& operator=(const MemoryLink&) = delete;

  [[nodiscard]] const LinkTraits& traits() const noexcept override { return local_->traits; }
  [[nodiscard]] Address peer() const override { return peer_; }

  [[nodiscard]] std::size_t capacity_bytes(Lane) const noexcept override {
    if (state_ != State::up && state_ != State::called) return 0;
    const std::size_t in_flight = wire_->end(other(side_)).in_flight_bytes;
    const std::size_t window = wire_->end(other(side_)).window_bytes;
    return window - std::min(in_flight, window);
  }

  void send(Packet packet, Lane lane, std::uint8_t channel) override {
    assert(packet.size() <= (lane == Lane::datagram ? kMaxDatagramBytes : kMaxPacketBytes));
    answer();
    if (state_ != State::up) return;
    BufferRef copy = (*local_->wire_pool).allocate(packet.size());
    copy_bytes(copy.bytes(), packet.bytes().data(), packet.size());
    local_->core->send(wire_, side_, std::move(copy), packet.size(), lane, channel);
  }

  void close() override {
    if (state_ == State::over) return;
    state_ = State::over;
    local_->core->end(wire_, side_, EndReason::closed);
  }

  void set_handler(LinkHandler& handler) override { handler_ = &handler; }

  /// An accepted link says yes with its first packet, or when its host has taken it.
  void answer() {
    if (state_ != State::called) return;
    state_ = State::up;
    local_->core->answer(wire_);
  }

  // What the core lets through is for an end that listens. Each may destroy the link.

  void on_answer() {
    state_ = State::up;
    handler_->on_link_up();
  }

  void on_packet(Packet packet, TimePoint now) { handler_->on_packet(std::move(packet), now); }

  void drop(Error error) {
    close();
    if (handler_ != nullptr) handler_->on_link_down(std::move(error));
  }

  void on_end(EndReason reason) {
    const bool was_up = std::exchange(state_, State::over) == State::up;
    handler_->on_link_down(explain(reason, was_up, peer_));
  }

 private:
  enum class State : std::uint8_t { calling, called, up, over };

  std::shared_ptr<Local> local_;
  std::shared_ptr<Wire> wire_;
  Address peer_;
  LinkHandler* handler_;
  Side side_;
  State state_;
};

namespace {

class MemoryTransport final : public Transport {
 public:
  MemoryTransport(TransportContext context, std::shared_ptr<MemoryCore> core)
      : context_(std::move(context)), local_(std::make_shared<Local>(std::move(core))) {
    local_->endpoint = local_->core->join(context_.clock, std::move(context_.wake));
  }
  ~MemoryTransport() override { local_->core->leave(*local_->endpoint); }
  MemoryTransport(const MemoryTransport&) = delete;
  MemoryTransport& operator=(const MemoryTransport&) = delete;

  [[nodiscard]] Result<Address> listen(const ListenRequest& request) override {
    if (!local_->core->listen(local_->endpoint, request.address.host, local_->listeners.size())) {
      return Error{ErrorCode::address_in_use, 0,
                   request.address.to_string() + " is taken by a host of this process."};
    }
    local_->listeners.push_back({request.listener, request.max_links, 0});
    listening_ = true;
    return request.address;
  }

  [[nodiscard]] Result<std::unique_ptr<Link>> dial(const DialRequest& request) override {
    auto wire = local_->core->dial(local_->endpoint, request.candidates);
    try {
      std::unique_ptr<Link> link = std::make_unique<MemoryLink>(
          local_, wire, Side::dialler, wire->listen_address, request.handler);
      return link;
    } catch (const std::bad_alloc&) {
      local_->core->end(wire, Side::dialler, EndReason::gone);
      throw;
    }
  }

  void stop_listening() override {
    listening_ = false;
    local_->core->stop_listening(*local_->endpoint);
  }

  void service(TimePoint now) override {
    const std::uint64_t before_serial = local_->core->begin_service(*local_->endpoint);
    for (std::size_t count = 0; count < kArrivalsPerService; ++count) {
      const auto arrival = local_->core->take(*local_->endpoint, now, before_serial);
      if (!arrival) return;
      hand_out(*arrival, now);
    }
  }

  void flush(TimePoint) override {}

  [[nodiscard]] std::optional<TimePoint> next_deadline() const override {
    return local_->core->next_due(*local_->endpoint);
  }
  [[nodiscard]] TransportCounters counters() const override { return counters_; }

 private:
  // Nothing that another host sends makes a pass throw; what the program throws does. Whoever it
  // was about is cut off.
  void hand_out(const InFlight& arrival, TimePoint now) {
    try {
      take_in(arrival, now);
    } catch (const std::bad_alloc&) {
      drop(arrival, {ErrorCode::out_of_resources, 0, {}});
    } catch (...) {
      drop(arrival, program_threw());
      throw;
    }
  }

  void drop(const InFlight& arrival, Error error) {
    if (MemoryLink* const link = arrival.wire->end(arrival.to).link) {
      link->drop(std::move(error));
    } else if (arrival.kind == InFlight::Kind::call) {
      local_->core->end(arrival.wire, Side::acceptor, EndReason::gone);
    }
  }

  void take_in(const InFlight& arrival, TimePoint now) {
    if (arrival.kind == InFlight::Kind::call) return accept(arrival.wire);
    // What is taken always has a link: its destructor closes this end of the wire first.
    MemoryLink* link = arrival.wire->end(arrival.to).link;
    if (arrival.kind == InFlight::Kind::answer) return link->on_answer();
    if (arrival.kind == InFlight::Kind::end) return link->on_end(arrival.reason);
    Packet packet(*context_.pool, arrival.size_bytes);
    packet.append({arrival.bytes.bytes(), arrival.size_bytes});
    link->on_packet(std::move(packet), now);
  }

  void accept(const std::shared_ptr<Wire>& wire) {
    const Local::Listener& listener = local_->listeners[wire->listener];
    if (!listening_) return local_->core->end(wire, Side::acceptor, EndReason::refused);
    const std::string& name = wire->end(Side::dialler).endpoint->name;
    if (context_.access != nullptr && context_.access->refuses(name, "memory")) {
      ++counters_.refused_access;
      return local_->core->end(wire, Side::acceptor, EndReason::refused);
    }
    if (listener.links >= listener.max_links || local_->accepted_links >= context_.max_links) {
      return local_->core->end(wire, Side::acceptor, EndReason::full);
    }
    Address peer;
    peer.scheme = "memory";
    peer.host = name;
    LinkHandler* handler = context_.handler->on_incoming(
        std::make_unique<MemoryLink>(local_, wire, Side::acceptor, std::move(peer), nullptr),
        listener.number);
    MemoryLink* link = wire->end(Side::acceptor).link;
    if (handler == nullptr || link == nullptr) return;
    link->set_handler(*handler);
    link->answer();
  }

  TransportContext context_;
  std::shared_ptr<Local> local_;
  TransportCounters counters_;
  bool listening_ = false;
};

}  // namespace

std::unique_ptr<Transport> make_memory_transport(TransportContext context,
                                                 const std::shared_ptr<MemoryNetwork>& network) {
  return std::make_unique<MemoryTransport>(
      std::move(context), network ? MemoryCore::of(*network) : MemoryCore::process_wide());
}

}  // namespace tickwire::detail
