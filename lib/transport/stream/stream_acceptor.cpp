// SPDX-License-Identifier: MIT
#include "lib/transport/stream/stream_acceptor.hpp"

#include "lib/platform/socket_errno.hpp"
#include "lib/transport/socket_error_text.hpp"

namespace tickwire::detail {
namespace {

// While the system has nothing left for another caller.
constexpr Duration kPause = std::chrono::milliseconds(250);
// Above `max_links_per_address`, for those who are to hear why they cannot come in.
constexpr std::size_t kSparePerAddress = 2;

}  // namespace

Result<std::unique_ptr<StreamAcceptor>> StreamAcceptor::open(StreamShared& shared,
                                                             const ListenRequest& request,
                                                             std::shared_ptr<TlsContext> tls) {
  const auto address = SocketAddress::parse(request.address.host, request.address.port);
  if (!address) {
    return Error{ErrorCode::invalid_address, 0,
                 "'" + request.address.host + "' is not a numeric address."};
  }
  auto socket = StreamSocket::listen(*address);
  if (!socket) return explain_socket_error(std::move(socket).error(), request.address);
  std::unique_ptr<StreamAcceptor> acceptor(
      new StreamAcceptor(shared, request, std::move(tls), *std::move(socket)));
  if (!acceptor->watch_.set(Interest::readable)) {
    return explain_socket_error({ErrorCode::out_of_resources, 0, {}}, request.address);
  }
  return acceptor;
}

StreamAcceptor::StreamAcceptor(StreamShared& shared, ListenRequest request,
                               std::shared_ptr<TlsContext> tls, StreamSocket socket)
    : shared_(shared),
      request_(std::move(request)),
      tls_(std::move(tls)),
      socket_(std::move(socket)),
      watch_(*shared.context.poller, socket_.handle(), *this) {}

Address StreamAcceptor::bound() const {
  Address address = request_.address;
  address.port = socket_.local().port();
  return address;
}

std::optional<StreamAcceptor::Caller> StreamAcceptor::accept(TimePoint now,
                                                             std::size_t& looks_left) {
  if (paused_until_) {
    if (now < *paused_until_) return std::nullopt;
    is_ready_ = watch_.set(Interest::readable);
    paused_until_ = is_ready_ ? std::nullopt : std::optional(now + kPause);
  }
  while (is_ready_ && looks_left > 0) {
    --looks_left;
    Caller caller;
    SocketAddress from;
    const IoResult result = socket_.accept(caller.socket, from);
    if (result.status == IoStatus::done) {
      is_told_ = false;
      caller.address.scheme = request_.address.scheme;
      caller.address.host = from.host();
      caller.address.port = from.port();
      if (lets_in(caller, now)) return caller;
      continue;
    }
    is_ready_ = false;
    if (result.status == IoStatus::failed) fail(result.system_code, now);
  }
  return std::nullopt;
}

// An address counts from here on: silent handshakes and those who are refused hold a place as well
// as a link that is up.
bool StreamAcceptor::lets_in(Caller& caller, TimePoint now) {
  const TransportContext& context = shared_.context;
  const std::string& host = caller.address.host;
  if (context.access != nullptr && context.access->refuses(host)) {
    ++shared_.counters.refused_access;
    return false;
  }
  if (context.max_links_per_address) {
    const std::size_t most = *context.max_links_per_address + kSparePerAddress;
    auto place = shared_.callers.enter(host, most);
    if (!place) {
      ++shared_.counters.refused_address;
      return false;
    }
    caller.place = *std::move(place);
  }
  if (links_ >= request_.max_links) {
    ++shared_.counters.refused_full;
    return false;
  }
  if (context.connect_rate != nullptr && !context.connect_rate->take(subscriber_of(host), now)) {
    ++shared_.counters.refused_rate;
    return false;
  }
  return true;
}

// What is to be done comes before what is said: there may be no memory for the words.
void StreamAcceptor::fail(int system_code, TimePoint now) {
  ++shared_.counters.socket_errors;
  const bool is_lasting = !is_out_of_resources(system_code);
  if (is_lasting) {
    is_lost_ = true;
    watch_ = Watch();
  } else {
    // The caller who waits would make the socket ready for ever.
    static_cast<void>(watch_.set(Interest::none));
    paused_until_ = now + kPause;
    if (std::exchange(is_told_, true)) return;
  }
  Error error = socket_error(system_code);
  const std::string name = bound().to_string();
  if (is_lasting) {
    error.detail = "The socket of " + name + " has failed. " + error.detail;
    return shared_.context.handler->on_listener_lost(request_.listener, std::move(error));
  }
  error.detail = "No file descriptor or memory left for another caller at " + name +
                 "; those who are connected stay, and it is tried again. " + error.detail;
  shared_.context.handler->on_accepting_paused(request_.listener, std::move(error));
}

}  // namespace tickwire::detail
