// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/event.hpp>
#include <tickwire/export.hpp>
#include <tickwire/network_message.hpp>
#include <tickwire/send_buffer.hpp>
#include <tickwire/stats.hpp>
#include <tickwire/subscription.hpp>
#include <tickwire/ticker.hpp>

namespace tickwire {

class ByteSink;
class Extension;

namespace detail {
class HostCore;
class Mailbox;
}  // namespace detail

/// Settings of a `broadcast`: those of a send, and who is left out.
struct BroadcastOptions {
  SendOptions send{};
  Connection except{};
};

/// What became of one message for many.
struct BroadcastResult {
  MessageId id = 0;        ///< 0 when nobody took it
  std::size_t queued = 0;  ///< connections that will be sent it
  /// Connections that are not open, or whose queue is full; all, when it could not be encoded.
  std::size_t refused = 0;
};

/// Runs functions on a host's thread from any other.
///
/// Lifetime: may outlive the host.
/// Thread:   any.
class TICKWIRE_API Poster {
 public:
  /// False once the host is gone; the function is then destroyed without being called.
  bool operator()(std::function<void()> function) const;

 private:
  friend class Host;
  explicit Poster(std::shared_ptr<detail::Mailbox> mailbox) noexcept;
  std::shared_ptr<detail::Mailbox> mailbox_;
};

/// One end of any number of connections, over any mix of transports, driven by its owner's loop.
///
/// Events have one reader: either the program polls (`poll`, `wait_for`), and no listener is
/// called, or it updates (`update`, `run`), and listeners are.
///
/// Lifetime: neither copied nor moved. Destroying it closes everything at once; `close()` and a few
///           more passes end connections politely.
/// Thread:   one at a time owns it; only `post`, `poster`, `stop` may be called from others.
class TICKWIRE_API Host {
 public:
  /// Throws `std::invalid_argument` that names the field when the config makes no sense, or the two
  /// message names that share a hash.
  explicit Host(HostConfig config = {});
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // -- Connections

  /// Takes incoming connections at an address. Any number of times, any schemes.
  ///
  /// Errors: `invalid_address`, `unknown_scheme`, `address_in_use`, `address_unavailable`,
  ///         `out_of_resources`, `clock_mismatch`, `socket_failed`; `not_supported` for `enet://`
  ///         at an IPv6 address; for TLS those of `TlsConfig`.
  /// Source: returns the address bound, with the port that port 0 got.
  Result<Address> listen(std::string_view url, const ListenOptions& options = {});

  /// Begins to call and returns at once; names are looked up elsewhere. Ends in exactly one event,
  /// `connected` or `error`.
  ///
  /// Errors: what can be known now: `invalid_address`, `unknown_scheme`, `too_many_connections`,
  ///         `invalid_argument`, `not_supported`, `clock_mismatch`; for TLS those of `TlsConfig`;
  ///         for a `login` those of `Accounts::login`.
  Result<Connection> connect(std::string_view url, const ConnectOptions& options = {});

  /// Reads all certificates and keys anew from their files, for connections to come; those that are
  /// up keep theirs.
  ///
  /// Errors: those of `TlsConfig`; what was loaded before stays in use then.
  Result<void> reload_certificates();

  /// Lets what is queued go out, up to `Timeouts::linger`, then says goodbye. Ends in
  /// `disconnected`, or in `error` when it never came up, and is not called again. A second call
  /// does nothing.
  ///
  /// Errors: `not_connected`.
  ErrorCode close(Connection connection, const CloseReason& reason = {});
  /// Closes every connection and stops listening.
  void close(const CloseReason& reason = {});
  /// The same, and pumps the host until each connection has had its last event; for a program that
  /// ends. What comes meanwhile goes to the listeners, from paused connections too; a program that
  /// polls gets none of it.
  ///
  /// Errors: `timed_out`: somebody has not answered, and may take the end for a loss;
  ///         `reentrant_call` inside a listener, hook or extension. What a listener throws comes
  ///         out of it; another call goes on.
  ErrorCode close_and_wait(Duration timeout, const CloseReason& reason = {});

  /// Paused, a connection's messages wait, up to `receive_window_bytes`, and large ones up to
  /// `max_reassembly_bytes`; then the other end has to wait, too. Receipts and `writable` still
  /// come, and what extensions raise, but for messages; `interrupted`, `resumed` and `disconnected`
  /// after the messages.
  ///
  /// Errors: `not_connected`.
  ErrorCode set_receiving(Connection connection, Receiving receiving);

  // -- Events, for programs that poll

  /// Hands out the oldest event, or nothing when the pass is over. A pass reads the sockets, hands
  /// out at most `max_events_per_pass` events, of messages that filters have changed about
  /// `max_message_bytes` (1 MiB at least), runs the ticks that are due, and sends what is queued;
  /// the next call begins another.
  ///
  /// Units:    never blocks; see `wait_for` for a call that may.
  /// Errors:   none returned. A failure of a connection is its `error` or `disconnected` event.
  /// Lifetime: the event owns its payload; keep it as long as you like.
  [[nodiscard]] std::optional<Event> poll();

  /// Like `poll`, but where that returns nothing it sleeps until something arrives, a tick is due,
  /// a signal was handled or the time is up, and makes one more pass. Nothing does not mean that
  /// the time is up.
  [[nodiscard]] std::optional<Event> wait_for(Duration timeout);

  /// Pumps the host until the dialled connection is up, consuming that one event; others keep their
  /// place.
  ///
  /// Errors: what its `error` event would have said; `timed_out` (it goes on trying);
  ///         `not_connected`, also for a handle of another host's; `reentrant_call` inside a
  ///         listener, hook or extension.
  /// Memory: see `HostConfig::event_capacity`, as for `send_and_wait`.
  Result<Connection> wait_connected(Connection connection, Duration timeout);

  // -- Events, for programs with listeners

  /// One pass that gives every event to the listeners. Never blocks.
  ///
  /// Errors: what a listener or hook throws comes out of it, and of `run`. Those behind it do not
  ///         hear of that event or tick then; the next call goes on with the same pass, behind a
  ///         hook with the next one.
  void update();
  /// `update` in a loop that sleeps while there is nothing to do, until `stop`.
  ///
  /// Errors: `reentrant_call`.
  ErrorCode run();
  /// Ends `run` after its current pass, or the next `run` at once.
  ///
  /// Thread: any; also from a signal handler.
  void stop() noexcept;
  /// Whether `run` is at work.
  [[nodiscard]] bool is_running() const noexcept;

  Subscription on_connected(std::function<void(Connection)> function);
  Subscription on_disconnected(std::function<void(Connection, const Error&)> function);
  Subscription on_error(std::function<void(Connection, const Error&)> function);
  Subscription on_sent(std::function<void(Connection, MessageId, Receipt)> function);
  Subscription on_bytes(std::function<void(Connection, std::span<const std::byte>)> function);
  Subscription on_network_message(std::function<void(Connection, const NetworkMessage&)> function);
  /// Called with every object of type `T`. One that does not decode goes to `on_error`, with its
  /// connection, which stays open.
  template <class T>
  Subscription on_message(std::function<void(Connection, const T&)> function);
  /// Called with every event, after the listeners above.
  Subscription on_event(std::function<void(const Event&)> function);

  /// Called once per tick, by every kind of pass. Stays for as long as the host lives.
  void on_update(std::function<void(const Tick&)> function);

  // -- Sending

  /// Queues an object; it leaves with the pass, or with `flush`.
  ///
  /// Errors: nothing changed then: `not_connected`, `no_such_channel`, `message_too_large`,
  ///         `send_queue_full`, `encode_failed`; `invalid_argument` for a `replace_key` with a
  ///         reliable delivery; `reentrant_call` while another object is being serialized.
  /// Events: `data_sent` with the id that is returned.
  template <class T>
  Result<MessageId> send(Connection connection, const T& object,
                         const SendOptions& options = kDefaultSendOptions);
  /// Pumps the host until the message is acknowledged (or handed over, when it is not reliable),
  /// consuming its `data_sent`.
  ///
  /// Errors: those of `send`; `not_supported` when `HostConfig::events` leaves `data_sent` out;
  ///         `timed_out`; `connection_lost` when it never got there;
  ///         `reentrant_call`.
  template <class T>
  Result<MessageId> send_and_wait(Connection connection, const T& object, Duration timeout,
                                  const SendOptions& options = kDefaultSendOptions);
  /// Queues bytes, which arrive as `data_received`. Errors and events as `send`.
  Result<MessageId> send_bytes(Connection connection, std::span<const std::byte> bytes,
                               const SendOptions& options = kDefaultSendOptions);
  /// The same for bytes that the caller has no more use for: a large message is then sent from
  /// where it lies, without a copy. After an error they are still the caller's.
  template <Sendable Bytes>
  Result<MessageId> send_bytes(Connection connection, Bytes&& bytes,
                               const SendOptions& options = kDefaultSendOptions) {
    return send_owned(connection, std::move(bytes), options);
  }
  /// Memory for a message of so many bytes.
  ///
  /// Errors: `message_too_large` for more than `Limits::max_message_bytes`; `out_of_resources`.
  [[nodiscard]] Result<SendBuffer> make_send_buffer(std::size_t bytes);
  /// Sends to every open connection; encodes once.
  template <class T>
  BroadcastResult broadcast(const T& object, const BroadcastOptions& options = {});
  template <class T>
  BroadcastResult send_to(std::span<const Connection> targets, const T& object,
                          const SendOptions& options = kDefaultSendOptions);
  /// Sends a received message on under its type, with its metadata, straight from the packet that
  /// it came in; decodes nothing.
  BroadcastResult forward(const Event& event, std::span<const Connection> targets,
                          const SendOptions& options = kDefaultSendOptions);
  /// Sends now what is queued.
  void flush();

  // -- Other threads

  /// Runs a function on the host's thread at its next pass, waking it. False once it is closing
  /// down.
  ///
  /// Thread: any.
  bool post(std::function<void()> function);
  /// Thread: any.
  [[nodiscard]] Poster poster() const;

  // -- Extensions

  /// Does nothing with an extension that is attached already, to this host or to another.
  void attach(Extension& extension);
  void detach(Extension& extension) noexcept;
  /// Queues an event of an extension's own behind those that wait. The program reads it; other
  /// extensions see it first, the one that raised it too. One that `HostConfig::events` leaves out
  /// is not made, and counted as its connection's `masked_events`. An `error` or `disconnected`
  /// raised for a connection ends nothing: what the connection has to say itself still comes.
  void raise(Event event);

  // -- Questions

  [[nodiscard]] std::vector<Connection> connections() const;  ///< the open ones
  [[nodiscard]] bool is_connected() const noexcept;           ///< at least one is open
  /// Those where callers are taken. One that the system takes away is no longer among them, and
  /// an `error` event of the host says so (`listener_lost`); `listen` again if it is wanted.
  [[nodiscard]] std::vector<Address> listening_addresses() const;
  [[nodiscard]] HostStats stats() const;
  [[nodiscard]] const HostConfig& config() const noexcept;
  [[nodiscard]] TimePoint now() const noexcept;  ///< by `HostConfig::clock`

 private:
  friend class Connection;
  friend class Extension;
  friend class detail::HostCore;

  Result<MessageId> send_owned(Connection connection, std::vector<std::byte>&& bytes,
                               const SendOptions& options);
  Result<MessageId> send_owned(Connection connection, SendBuffer&& bytes,
                               const SendOptions& options);
  // What the templates above come down to: encode, into what `start_encoding` returns, and send it.
  // Null while another object is being encoded: it is that one's own functions who ask.
  template <class T>
  [[nodiscard]] Result<void> encode(const T& object);
  [[nodiscard]] ByteSink* start_encoding() noexcept;
  // What becomes of a message that could not be encoded: nothing, and that is counted.
  Result<MessageId> refuse(Connection connection, Error error);
  BroadcastResult refuse_broadcast(const BroadcastOptions& options, ErrorCode code);
  BroadcastResult refuse_all(std::span<const Connection> targets, ErrorCode code);
  Result<MessageId> send_encoded(Connection connection, std::uint32_t type,
                                 const SendOptions& options);
  BroadcastResult broadcast_encoded(std::uint32_t type, const BroadcastOptions& options);
  BroadcastResult send_encoded_to(std::span<const Connection> targets, std::uint32_t type,
                                  const SendOptions& options);
  [[nodiscard]] Result<void> may_wait_sent() const;
  Result<MessageId> wait_sent(Connection connection, MessageId id, Duration timeout);
  Subscription on_encoded(std::uint32_t type, std::function<void(const Event&)> function);
  void report_malformed(const Event& event, Error error);

  std::unique_ptr<detail::HostCore> core_;
};

}  // namespace tickwire
