// SPDX-License-Identifier: MIT
#include "lib/transport/stream/stream_transport.hpp"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "lib/transport/stream/stream_acceptor.hpp"
#include "lib/transport/stream/stream_connection.hpp"

namespace tickwire::detail {
namespace {

// Per pass, so that a burst of newcomers does not hold up those who are in: about a millisecond of
// accepting, and a few of TLS handshakes.
constexpr std::size_t kAcceptsPerPass = 64;
constexpr std::size_t kHandshakesPerPass = 8;
// Whom a program dials, it dials with one or two configurations.
constexpr std::size_t kMaxDialContexts = 16;

class StreamTransport final : public Transport {
 public:
  StreamTransport(TransportContext context, StreamOptions options)
      : shared_(std::move(context), options) {}
  ~StreamTransport() override;

  Result<Address> listen(const ListenRequest& request) override;
  Result<std::unique_ptr<Link>> dial(const DialRequest& request) override;
  void stop_listening() override { acceptors_.clear(); }
  Result<std::function<void()>> load_certificates() override;
  Result<void> prepare_dial(const TlsConfig& config) override;
  void service(TimePoint now) override;
  void flush(TimePoint now) override;
  std::optional<TimePoint> next_deadline() const override;
  TransportCounters counters() const override { return shared_.counters; }

 private:
  using Contexts = std::vector<std::pair<TlsConfig, std::shared_ptr<TlsContext>>>;

  [[nodiscard]] bool is_secure() const { return shared_.options.security == Security::tls; }
  [[nodiscard]] Result<std::shared_ptr<TlsContext>> make_context(const TlsConfig& config,
                                                                 TlsRole role) const;
  [[nodiscard]] Result<std::shared_ptr<TlsContext>> dial_context(const TlsConfig& config);
  void accept(TimePoint now);
  [[nodiscard]] bool accept_one(StreamAcceptor& acceptor, std::size_t& looks_left, TimePoint now);
  void make_room();
  void service_ready(TimePoint now);
  void service_timed(TimePoint now);
  void bury();

  StreamShared shared_;
  std::vector<std::unique_ptr<StreamAcceptor>> acceptors_;
  std::vector<std::unique_ptr<StreamConnection>> connections_;
  std::vector<StreamConnection*> scratch_;
  Contexts dial_contexts_;
  TimePoint passed_at_{};  // the last pass
};

StreamTransport::~StreamTransport() {
  for (const auto& connection : connections_)
    connection->leave();
}

Result<std::shared_ptr<TlsContext>> StreamTransport::make_context(const TlsConfig& config,
                                                                  TlsRole role) const {
  return make_tls_context(
      config, role,
      shared_.options.framing == Framing::frames ? TlsPayload::tickwire : TlsPayload::anything);
}

// Kept, because a context remembers the sessions that can be resumed.
Result<std::shared_ptr<TlsContext>> StreamTransport::dial_context(const TlsConfig& config) {
  for (const auto& [known, context] : dial_contexts_) {
    if (known == config) return context;
  }
  auto made = make_context(config, TlsRole::dialler);
  if (!made) return made;
  if (dial_contexts_.size() >= kMaxDialContexts) dial_contexts_.erase(dial_contexts_.begin());
  dial_contexts_.emplace_back(config, *made);
  return made;
}

Result<Address> StreamTransport::listen(const ListenRequest& request) {
  std::shared_ptr<TlsContext> tls;
  if (is_secure()) {
    auto made = make_context(request.tls, TlsRole::acceptor);
    if (!made) return std::move(made).error();
    tls = *std::move(made);
  }
  auto acceptor = StreamAcceptor::open(shared_, request, std::move(tls));
  if (!acceptor) return std::move(acceptor).error();
  acceptors_.push_back(*std::move(acceptor));
  return acceptors_.back()->bound();
}

Result<std::unique_ptr<Link>> StreamTransport::dial(const DialRequest& request) {
  std::shared_ptr<TlsContext> tls;
  if (is_secure()) {
    auto made = dial_context(request.tls);
    if (!made) return std::move(made).error();
    tls = *std::move(made);
  }
  make_room();
  auto connection = std::make_unique<StreamConnection>(shared_, request, std::move(tls));
  auto link = connection->make_link();
  connection->wake();
  connections_.push_back(std::move(connection));
  return link;
}

// For one more connection, in every list that it may ever stand in.
void StreamTransport::make_room() {
  const std::size_t wanted = connections_.size() + 1;
  const auto grow = [wanted](auto& list) {
    if (list.capacity() < wanted) list.reserve(std::max(wanted, 2 * list.capacity()));
  };
  for (auto* list : {&shared_.ready, &shared_.dirty, &shared_.timed, &scratch_})
    grow(*list);
  grow(connections_);
}

Result<std::function<void()>> StreamTransport::load_certificates() {
  std::vector<std::shared_ptr<TlsContext>> fresh;
  for (const auto& acceptor : acceptors_) {
    if (!is_secure()) break;
    auto made = make_context(acceptor->tls_config(), TlsRole::acceptor);
    if (!made) return std::move(made).error();
    fresh.push_back(*std::move(made));
  }
  Contexts dialling;
  for (const auto& [config, context] : dial_contexts_) {
    auto made = make_context(config, TlsRole::dialler);
    // One that nobody uses any more holds up nobody else's; whoever dials with it again is told.
    const bool is_in_use = context.use_count() > 1 || context->has_sessions();
    if (!made && !is_in_use) continue;
    if (!made) return std::move(made).error();
    dialling.emplace_back(config, *std::move(made));
  }
  return std::function<void()>([this, fresh = std::move(fresh), dialling = std::move(dialling)] {
    for (std::size_t i = 0; i < fresh.size(); ++i)
      acceptors_[i]->set_tls(fresh[i]);
    dial_contexts_ = dialling;
  });
}

Result<void> StreamTransport::prepare_dial(const TlsConfig& config) {
  if (!is_secure()) return {};
  auto made = dial_context(config);
  return made ? Result<void>() : Result<void>(std::move(made).error());
}

void StreamTransport::service(TimePoint now) {
  passed_at_ = now;
  shared_.handshakes_left = kHandshakesPerPass;
  service_timed(now);
  service_ready(now);
  accept(now);
  bury();
}

// Those who become ready meanwhile have their turn in the next pass; there they come behind those
// whose turn an exception of the program's has taken away.
void StreamTransport::service_ready(TimePoint now) {
  scratch_.swap(shared_.ready);
  std::size_t next = 0;
  try {
    while (next < scratch_.size()) {
      StreamConnection* connection = scratch_[next++];
      connection->in_ready = false;
      connection->service(now);
    }
  } catch (...) {
    const auto rest = scratch_.begin() + static_cast<std::ptrdiff_t>(next);
    shared_.ready.insert(shared_.ready.begin(), rest, scratch_.end());
    scratch_.clear();
    throw;
  }
  scratch_.clear();
}

void StreamTransport::service_timed(TimePoint now) {
  std::erase_if(shared_.timed, [&](StreamConnection* connection) {
    const auto deadline = connection->deadline();
    if (deadline && now >= *deadline) connection->wake();
    connection->in_timed = deadline.has_value();
    return !deadline;
  });
}

void StreamTransport::accept(TimePoint now) {
  for (const auto& acceptor : acceptors_) {
    std::size_t left = kAcceptsPerPass;
    while (accept_one(*acceptor, left, now)) {
    }
  }
  std::erase_if(acceptors_, [](const auto& acceptor) { return acceptor->is_lost(); });
}

// False when nobody waits, or enough have come. Whom there is no memory for is cut off.
bool StreamTransport::accept_one(StreamAcceptor& acceptor, std::size_t& looks_left, TimePoint now) {
  try {
    auto caller = acceptor.accept(now, looks_left);
    if (!caller) return false;
    make_room();
    connections_.push_back(std::make_unique<StreamConnection>(
        shared_, std::move(caller->socket), std::move(caller->address), acceptor.tls(),
        acceptor.listener(), std::move(caller->place)));
    acceptor.keep();
  } catch (const std::bad_alloc&) {
    ++shared_.counters.socket_errors;
  }
  return looks_left > 0;
}

void StreamTransport::flush(TimePoint now) {
  for (StreamConnection* connection : shared_.dirty) {
    connection->in_dirty = false;
    connection->flush(now);
  }
  shared_.dirty.clear();
  bury();
}

void StreamTransport::bury() {
  if (std::exchange(shared_.dead, 0) == 0) return;
  const auto is_dead = [](const StreamConnection* connection) { return connection->is_dead(); };
  std::erase_if(shared_.ready, is_dead);
  std::erase_if(shared_.dirty, is_dead);
  std::erase_if(shared_.timed, is_dead);
  std::erase_if(connections_, [&](const auto& connection) {
    if (!connection->is_dead()) return false;
    for (const auto& acceptor : acceptors_)
      if (connection->listener() == acceptor->listener()) acceptor->forget();
    return true;
  });
}

std::optional<TimePoint> StreamTransport::next_deadline() const {
  if (!shared_.ready.empty()) return passed_at_;
  std::optional<TimePoint> earliest;
  const auto consider = [&](std::optional<TimePoint> deadline) {
    if (deadline && (!earliest || *deadline < *earliest)) earliest = deadline;
  };
  for (const StreamConnection* connection : shared_.timed)
    consider(connection->deadline());
  for (const auto& acceptor : acceptors_)
    consider(acceptor->next_deadline());
  return earliest;
}

}  // namespace

std::unique_ptr<Transport> make_stream_transport(TransportContext context, StreamOptions options) {
  return std::make_unique<StreamTransport>(std::move(context), options);
}

}  // namespace tickwire::detail
