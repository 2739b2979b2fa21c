// SPDX-License-Identifier: MIT
#include <algorithm>

#include "lib/base/harmless.hpp"
#include "lib/host/host_core.hpp"
#include "lib/session/message_session.hpp"
#include "lib/session/raw_session.hpp"

/// How connections come to be, from either end.
namespace tickwire::detail {
namespace {

Error on_address(const Address& address, Error error) {
  error.detail = address.to_string() + ": " + error.message();
  return error;
}

Result<void> check_reconnect(const ConnectOptions& options) {
  if (!options.reconnect) return {};
  const ReconnectPolicy& policy = *options.reconnect;
  const auto refuse = [](const char* rule) {
    return Error{ErrorCode::invalid_argument, 0, std::string("ReconnectPolicy::") + rule};
  };
  if (policy.first_delay < Duration::zero()) return refuse("first_delay must not be below 0.");
  if (policy.max_delay < policy.first_delay) return refuse("max_delay is below first_delay.");
  if (policy.max_delay > std::chrono::hours(24)) return refuse("max_delay must be at most 24 h.");
  if (!(policy.jitter_ratio >= 0 && policy.jitter_ratio <= 1)) {
    return refuse("jitter_ratio must be 0 to 1.");
  }
  return {};
}

bool is_raw(std::string_view scheme) {
  return scheme.starts_with("raw+");
}

Result<void> check_name(const std::string& name) {
  if (name.size() > kMaxNameBytes) {
    return Error{ErrorCode::invalid_argument, 0, "ConnectOptions::name is longer than 64 bytes."};
  }
  if (harmless_characters(name, {}, '?') == name) return {};
  return Error{ErrorCode::invalid_argument, 0,
               "ConnectOptions::name has control or invisible characters, or is no UTF-8."};
}

Result<void> check_ticket(const Address& address, std::span<const std::byte> ticket) {
  if (ticket.size() > kMaxTicketBytes) {
    return Error{ErrorCode::invalid_argument, 0,
                 "ConnectOptions::ticket is longer than 768 bytes."};
  }
  if (is_raw(address.scheme) && !ticket.empty()) {
    return on_address(address, {ErrorCode::not_supported, 0,
                                "a raw stream has no greeting that ConnectOptions::ticket could "
                                "travel in."});
  }
  return {};
}

}  // namespace

Result<Address> HostCore::listen(std::string_view url, const ListenOptions& options) {
  auto address = Address::parse(url);
  if (!address) return std::move(address).error();
  const auto transport = transports_.find(address->scheme);
  if (!transport) return transport.error();
  if (address->scheme != "memory") {
    if (address->host == "localhost") address->host = "127.0.0.1";
    if (!is_numeric_host(address->host)) {
      return on_address(*address, {ErrorCode::invalid_address, 0,
                                   "listening needs a numeric address of this machine, as in "
                                   "0.0.0.0 for all of them."});
    }
  }
  std::size_t limit = options.max_connections.value_or(config.limits.max_connections);
  limit = std::min({limit, config.limits.max_connections, (*transport)->most_links_per_listener()});
  const TlsConfig& tls = options.tls ? *options.tls : config.tls;
  if (tls.client_certificates != ClientCertificates::none) warn_unverified(*address, tls);
  auto bound = (*transport)->listen({*address, limit + kRefusalSlots, listeners_.size(), tls});
  if (!bound) return std::move(bound).error();
  // Those of one that has room for all need no counting.
  std::optional<std::size_t> own_limit;
  if (limit < config.limits.max_connections) own_limit = limit;
  listeners_.push_back({own_limit, *bound});
  log_.write(LogLevel::info, "listening on " + bound->to_string());
  return bound;
}

void HostCore::stop_listening() {
  transports_.stop_listening();
  for (Listener& each : listeners_)
    each.bound.reset();
  closed_listeners_ = listeners_.size();
}

// A transport may still shake hands with somebody who called before.
bool HostCore::was_closed(std::size_t listener) const noexcept {
  return listener < closed_listeners_;
}

std::vector<Address> HostCore::listening_addresses() const {
  std::vector<Address> addresses;
  for (const Listener& each : listeners_)
    if (each.bound) addresses.push_back(*each.bound);
  return addresses;
}

std::unique_ptr<Session> HostCore::make_session(std::string_view scheme, SessionStart start,
                                                TimePoint now) {
  if (is_raw(scheme)) {
    return std::make_unique<RawSession>(session_settings_, std::move(start), *pool_, now);
  }
  return std::make_unique<MessageSession>(session_settings_, std::move(start), *pool_, reassembly_,
                                          now);
}

void HostCore::warn_unverified(const Address& address, const TlsConfig& tls) {
  if (!address.scheme.ends_with("tls") || tls.verify == TlsVerification::on) return;
  log_.write(LogLevel::warning, address.to_string() +
                                    ": TlsConfig::verify is off, so anybody may answer; whoever "
                                    "sits in between can read and change everything.");
}

Result<void> HostCore::reload_certificates() {
  return transports_.reload_certificates();
}

Result<Connection> HostCore::connect(std::string_view url, const ConnectOptions& options) {
  auto address = Address::parse(url);
  if (!address) return std::move(address).error();
  const auto transport = transports_.find(address->scheme);
  if (!transport) return transport.error();
  if (auto usable = check_name(options.name); !usable) return usable.error();
  if (auto usable = check_ticket(*address, options.ticket); !usable) return usable.error();
  if (auto usable = check_reconnect(options); !usable) return usable.error();
  if (options.timeout &&
      (*options.timeout <= Duration::zero() || *options.timeout > std::chrono::hours(24))) {
    return Error{ErrorCode::invalid_argument, 0,
                 "ConnectOptions::timeout must be above 0 and at most 24 h."};
  }
  if (address->scheme != "memory" && address->port == 0) {
    return on_address(*address, {ErrorCode::invalid_address, 0, "port 0 cannot be called."});
  }
  const TlsConfig& tls = options.tls ? *options.tls : config.tls;
  if (auto ready = (*transport)->prepare_dial(tls); !ready) {
    return on_address(*address, ready.error());
  }
  if (table_.is_full()) {
    return Error{ErrorCode::too_many_connections, 0,
                 "All " + std::to_string(config.limits.max_connections) +
                     " connections that HostConfig::limits.max_connections allows are in use."};
  }
  warn_unverified(*address, tls);
  FreshPeer peer(table_, *table_.take());
  make_room_for(*peer);
  prepare_dialled(*peer, *address, options, Duration::zero());
  if (auto called = call(*peer, tls); !called) return on_address(*address, called.error());
  if (options.login) {
    if (auto offered = offer_login(*peer, *options.login); !offered) return offered.error();
  }
  on_peer_changed(peer->slot());
  return handle(peer.keep());
}

Result<void> HostCore::offer_login(const Peer& peer, const Login& login) {
  Error refusal{ErrorCode::not_supported, 0,
                "ConnectOptions::login is given, and no extension that logs in is attached; see "
                "accounts.hpp."};
  const Callback callback(*this);
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    if (extensions[i] == nullptr) continue;
    auto answer = extensions[i]->on_login(host_, handle(peer), login);
    if (answer || answer.error().code != ErrorCode::not_supported) return answer;
    if (!answer.error().detail.empty()) refusal = answer.error();
  }
  return refusal;
}

void HostCore::prepare_dialled(Peer& peer, const Address& address, const ConnectOptions& options,
                               Duration delay) {
  SessionStart start{.direction = Direction::dialled,
                     .name = options.name,
                     .connect_timeout = delay + options.timeout.value_or(config.timeouts.connect),
                     .ticket = options.ticket};
  peer.session = make_session(address.scheme, std::move(start), clock_.now());
  peer.address = address;
  peer.direction = Direction::dialled;
  peer.user_data = options.user_data;
  if (options.reconnect || config.timeouts.resume_window) {
    peer.redial = std::make_unique<Redial>(Redial{.options = options});
  }
}

Result<void> HostCore::call(Peer& peer, const TlsConfig& tls) {
  if (peer.address.scheme == "memory" || is_numeric_host(peer.address.host)) {
    return dial(peer, {peer.address.host}, tls);
  }
  // The answer to what is asked already will do.
  if (!peer.redial || !peer.redial->is_resolving) resolve(peer, tls);
  return {};
}

// Runs elsewhere and comes back through the mailbox; the connection may be gone by then.
void HostCore::resolve(Peer& peer, const TlsConfig& tls) {
  const auto come_back = [this, box = mailbox, connection = handle(peer),
                          tls](HostAddresses found) {
    static_cast<void>(box->post([this, connection, tls, found = std::move(found)] {
      Peer* waiting = find(connection);
      if (waiting == nullptr || waiting->session->state() == SessionState::ended) return;
      if (waiting->redial) waiting->redial->is_resolving = false;
      if (waiting->link) return;
      // An interrupted connection may have been come back to, or have given up this call; one that
      // never came up may be waiting for its next.
      if (waiting->session->was_open() && !waiting->session->wants_call()) return;
      if (waiting->redial && waiting->redial->due) return;
      give_time(*waiting);
      auto dialled = found ? dial(*waiting, *found, tls) : Result<void>(found.error());
      if (!dialled) call_failed(*waiting, std::move(dialled).error());
      on_peer_changed(waiting->slot());
    }));
  };
  resolve_host(peer.address.host, come_back);
  if (peer.redial) peer.redial->is_resolving = true;
}

Result<void> HostCore::dial(Peer& peer, const std::vector<std::string>& hosts,
                            const TlsConfig& tls) {
  DialRequest request;
  request.handler = &peer;
  request.host = peer.address.host;
  request.tls = tls;
  for (const std::string& host : hosts) {
    Address candidate = peer.address;
    candidate.host = host;
    request.candidates.push_back(std::move(candidate));
  }
  auto link = (*transports_.find(peer.address.scheme))->dial(request);
  if (!link) return link.error();
  peer.link = *std::move(link);
  return {};
}

LinkHandler* HostCore::on_incoming(std::unique_ptr<Link> link, std::size_t listener) {
  const Address from = link->peer();
  if (was_closed(listener)) return turn_away(from);
  const auto& own_limit = listeners_[listener].max_connections;
  const auto& address_limit = config.limits.max_connections_per_address;
  const bool full = table_.is_full() || (own_limit && accepted_through(listener) >= *own_limit);
  const bool crowded = !full && address_limit && accepted_from(from.host) >= *address_limit;
  // Nobody greets on a raw stream: what is known of the caller is known now. Asked before there is
  // anything of the caller here, as the program may throw.
  const bool is_unwelcome =
      is_raw(from.scheme) && !full && !crowded && !is_let_in(from, link->verified_subject());
  Peer* const place = table_.take();
  if (place == nullptr) {
    ++(crowded ? stats_.refused_address : stats_.refused_full);
    return nullptr;
  }
  FreshPeer peer(table_, *place);
  make_room_for(*peer);
  SessionStart start{.direction = Direction::accepted, .slot = peer->slot()};
  if (config.authenticate) {
    start.authenticate = [this, address = from, subject = link->verified_subject(),
                          connection = handle(*peer)](const HandshakeSelf& dialler) {
      const Callback callback(*this);
      return config.authenticate({address, dialler.name, subject, dialler.ticket, connection});
    };
  }
  peer->session = make_session(from.scheme, std::move(start), now_);
  peer->address = from;
  peer->direction = Direction::accepted;
  peer->listener = listener;
  peer->verified_subject = link->verified_subject();
  peer->link = std::move(link);
  peer->session->link_up(peer->link->traits());
  if (is_unwelcome) peer->session->refuse(ErrorCode::refused_by_application);
  if (full) {
    peer->turned_away = TurnedAway::full;
    peer->session->refuse(ErrorCode::server_full);
  }
  if (crowded) {
    peer->turned_away = TurnedAway::crowded;
    peer->session->refuse(ErrorCode::connection_refused, "too many connections of this address");
  }
  on_peer_changed(peer->slot());
  return &peer.keep();
}

LinkHandler* HostCore::turn_away(const Address& caller) {
  ++stats_.handshakes_refused;
  log_refused(caller, {ErrorCode::connection_refused, 0, "This program has closed its host."});
  return nullptr;
}

bool HostCore::is_let_in(const Address& from, const std::string& subject) {
  if (!config.authenticate) return true;
  const Callback callback(*this);
  return config.authenticate({from, {}, subject, {}, {}}).has_value();
}

void HostCore::on_handshake_failed(const Address& peer, const Error& error) {
  ++stats_.handshakes_failed;
  log_refused(peer, error);
}

void HostCore::on_opening_failed(const Peer& peer, const Error& error) {
  if (peer.direction == Direction::accepted) log_refused(peer.address, error);
}

void HostCore::log_refused(const Address& peer, const Error& error) {
  if (!log_.wants(LogLevel::info)) return;
  log_.write(LogLevel::info, peer.to_string() + ": did not get in: " + error.message());
}

void HostCore::on_accepting_paused(std::size_t, Error error) {
  report(std::move(error));
}

void HostCore::on_listener_lost(std::size_t listener, Error error) {
  listeners_[listener].bound.reset();
  error.code = ErrorCode::listener_lost;
  report(std::move(error));
}

std::size_t HostCore::accepted_through(std::size_t listener) {
  std::size_t count = 0;
  table_.for_each([&](Peer& peer) { count += peer.listener == listener ? 1 : 0; });
  return count;
}

std::size_t HostCore::accepted_from(const std::string& host) {
  std::size_t count = 0;
  table_.for_each([&](Peer& peer) {
    count += peer.direction == Direction::accepted && peer.address.host == host ? 1 : 0;
  });
  return count;
}

}  // namespace tickwire::detail
