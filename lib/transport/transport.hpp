// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/access_list.hpp>
#include <tickwire/address.hpp>
#include <tickwire/clock.hpp>
#include <tickwire/config.hpp>
#include <tickwire/error.hpp>
#include <tickwire/tls.hpp>

#include "lib/base/connect_rate.hpp"
#include "lib/base/packet.hpp"
#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// Whether a link takes in what the other end sends.
enum class Reading : std::uint8_t { on, paused };

class LinkHandler;

/// One peer of one transport: whole packets in both directions; or, on a raw stream, bytes in
/// packets of any size.
///
/// Lifetime: owned by the host. Destroying it cuts the connection without a goodbye; its handler
///           hears nothing after that. It may be destroyed inside a call to its handler.
class Link {
 public:
  virtual ~Link() = default;

  [[nodiscard]] virtual const LinkTraits& traits() const noexcept = 0;
  /// The other end, with numbers for host and port.
  [[nodiscard]] virtual Address peer() const = 0;

  /// Bytes that the transport takes now without piling them up. Lanes may wait for different
  /// things: a datagram for nothing but the kernel, where the reliable lane waits for
  /// acknowledgements. Where the reliable lane waits for those, data never takes all the room of
  /// the two others.
  [[nodiscard]] virtual std::size_t capacity_bytes(Lane lane) const noexcept = 0;
  /// Takes the packet, whatever the capacity; it leaves at the latest with `Transport::flush`.
  /// Pre: the link is up; the packet is no larger than its lane allows.
  virtual void send(Packet packet, Lane lane, std::uint8_t channel) = 0;
  /// The same for a packet whose end lies elsewhere, and stays there. Pre: `traits().gathers`.
  virtual void send_pieces(Packet, Packet, Lane, std::uint8_t) {}
  /// Ends it politely: what was taken leaves first, as far as the other end still reads. The
  /// handler hears nothing more.
  virtual void close() = 0;

  /// Who hears of it from now on.
  virtual void set_handler(LinkHandler& handler) = 0;
  /// For raw streams, where nothing but the socket can hold the other end back.
  virtual void set_reading(Reading) {}
  /// The subject of the certificate that the other end has proven to own; empty without one.
  [[nodiscard]] virtual std::string verified_subject() const { return {}; }
  /// See `Connection::channel_binding`.
  [[nodiscard]] virtual std::vector<std::byte> channel_binding() const { return {}; }
};

/// What a link tells its owner. Calls come from inside `Transport::service` only.
class LinkHandler {
 public:
  virtual ~LinkHandler() = default;
  /// A dialled link is ready to send. An accepted one is from the start.
  virtual void on_link_up() = 0;
  virtual void on_packet(Packet packet, TimePoint now) = 0;
  /// The front of a large packet of `packet_bytes` has come: where its tail is to go. The answer
  /// with a place takes the front, and `on_tail` comes in the place of `on_packet`.
  [[nodiscard]] virtual TailPlace place_tail(std::span<const std::byte>, std::size_t, TimePoint) {
    return {};
  }
  /// The tail is where it belongs.
  virtual void on_tail(TimePoint) {}
  /// A part of a packet has come, or a first answer to a call: the other end lives.
  virtual void on_progress(TimePoint now) = 0;
  /// Raw streams: the other end sends nothing more. It may still read.
  virtual void on_end_of_stream(TimePoint now) = 0;
  /// It never came up, or it ended. The last call.
  virtual void on_link_down(Error error) = 0;
};

/// What a transport tells its host. Calls come from inside `Transport::service` only.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  /// Somebody called. Returns who looks after the link, or nothing to turn it away (the link has
  /// been destroyed then).
  virtual LinkHandler* on_incoming(std::unique_ptr<Link> link, std::size_t listener) = 0;
  /// Somebody called and never got as far as a link.
  virtual void on_handshake_failed(const Address& peer, const Error& error) = 0;
  /// The system has nothing left for another caller; the listener tries again by itself.
  virtual void on_accepting_paused(std::size_t listener, Error error) = 0;
  /// A listening socket is lost for good.
  virtual void on_listener_lost(std::size_t listener, Error error) = 0;
};

/// Failures that a transport lives with, by cause.
struct TransportCounters {
  std::uint64_t socket_errors = 0;
  std::uint64_t malformed_datagrams = 0;
  std::uint64_t refused_full = 0;     ///< callers above a listener's `max_links`
  std::uint64_t refused_address = 0;  ///< callers above `max_links_per_address`
  std::uint64_t refused_rate = 0;     ///< callers that came sooner than `connect_rate` allows
  std::uint64_t refused_access = 0;   ///< callers that `access` refuses
  std::uint64_t bad_cookies = 0;      ///< datagrams of callers without proof of their address
};

/// What every transport of a host is made with. All of it outlives the transport.
struct TransportContext {
  const Clock* clock = nullptr;
  BufferPool* pool = nullptr;  ///< allocated from on the host's thread only
  Poller* poller = nullptr;    ///< where sockets are waited for
  TransportHandler* handler = nullptr;
  std::function<void()> wake;  ///< ends the host's wait; callable from any thread, ever
  std::size_t channels = 0;    ///< channels besides the control lane
  std::size_t max_links = 0;   ///< over all listeners
  Duration idle{};             ///< silence after which a peer is dead
  Duration handshake{};        ///< for what has to happen before a link is up
  /// How long the other end may take nothing of what waits when a link is closed.
  Duration linger = std::chrono::seconds(2);
  std::optional<std::size_t> max_links_per_address{};
  ConnectRate* connect_rate = nullptr;  ///< for callers; nothing: no limit
  EnetConfig enet{};
  const AccessList* access = nullptr;  ///< asked first of all; nothing: anybody may call
};

struct ListenRequest {
  Address address;  ///< host is a numeric address (or a name for memory)
  std::size_t max_links = 0;
  std::size_t listener = 0;  ///< handed back in `on_incoming`
  TlsConfig tls{};
};

struct DialRequest {
  std::vector<Address> candidates;  ///< numeric, best first; never empty
  LinkHandler* handler = nullptr;
  std::string host{};  ///< whom the program called, before names were looked up
  TlsConfig tls{};
};

/// One way of moving packets. No thread of its own, and never blocks.
class Transport {
 public:
  virtual ~Transport() = default;

  /// The address that was bound, with the port that port 0 got.
  [[nodiscard]] virtual Result<Address> listen(const ListenRequest& request) = 0;
  /// Loads what a call will need, to say now what is wrong with it.
  [[nodiscard]] virtual Result<void> prepare_dial(const TlsConfig&) { return {}; }
  /// Begins to call. `on_link_up` or `on_link_down` follows from a later `service`, unless the
  /// link is destroyed before; how long to wait is the owner's business.
  [[nodiscard]] virtual Result<std::unique_ptr<Link>> dial(const DialRequest& request) = 0;
  /// What one listener has room for, whatever its `max_links`.
  [[nodiscard]] virtual std::size_t most_links_per_listener() const noexcept {
    return std::numeric_limits<std::size_t>::max();
  }
  /// Stops taking calls; links that came in live on.
  virtual void stop_listening() = 0;
  /// Reads certificates and keys anew. What it returns puts them to use, for links to come.
  [[nodiscard]] virtual Result<std::function<void()>> load_certificates() {
    return std::function<void()>([] {});
  }

  /// Reads what has arrived, hands it out, and lets timers run.
  virtual void service(TimePoint now) = 0;
  /// Gives the kernel everything that links have taken and it has room for.
  virtual void flush(TimePoint now) = 0;
  /// When `service` is wanted even if nothing arrives.
  [[nodiscard]] virtual std::optional<TimePoint> next_deadline() const = 0;
  [[nodiscard]] virtual TransportCounters counters() const = 0;
};

}  // namespace tickwire::detail
