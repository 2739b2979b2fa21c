// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_transport.hpp"

#include <utility>

#include "lib/transport/enet/enet_endpoint.hpp"
#include "lib/transport/socket_error_text.hpp"

namespace tickwire::detail {
namespace {

Error not_ipv4(const std::string& host) {
  if (host.find(':') != std::string::npos) {
    return {ErrorCode::not_supported, 0,
            "enet:// speaks IPv4 only, and " + host + " is an IPv6 address."};
  }
  return {ErrorCode::invalid_address, 0, "'" + host + "' is not an IPv4 address."};
}

// What has no sentence of its own gets one.
Error explain(Error error, const Address& address) {
  return error.detail.empty() ? explain_socket_error(std::move(error), address) : error;
}

class EnetTransport final : public Transport {
 public:
  EnetTransport(TransportContext context, std::shared_ptr<EnetClock> clock)
      : shared_{std::move(context), std::move(clock)} {}

  Result<Address> listen(const ListenRequest& request) override;
  Result<std::unique_ptr<Link>> dial(const DialRequest& request) override;
  [[nodiscard]] std::size_t most_links_per_listener() const noexcept override {
    return kMaxPeers - kRefusalSlots;
  }
  void stop_listening() override;
  void service(TimePoint now) override;
  void flush(TimePoint now) override;
  std::optional<TimePoint> next_deadline() const override;
  TransportCounters counters() const override { return shared_.counters; }

 private:
  EnetShared shared_;
  std::vector<std::unique_ptr<EnetEndpoint>> endpoints_;
};

Result<Address> EnetTransport::listen(const ListenRequest& request) {
  const auto at = parse_ipv4(request.address.host, request.address.port);
  if (!at) return not_ipv4(request.address.host);
  auto endpoint = EnetEndpoint::listen(shared_, request, *at);
  if (!endpoint) return explain(std::move(endpoint).error(), request.address);
  Address bound = request.address;
  bound.port = (*endpoint)->local().port;
  endpoints_.push_back(std::move(*endpoint));
  return bound;
}

Result<std::unique_ptr<Link>> EnetTransport::dial(const DialRequest& request) {
  std::vector<Ipv4Endpoint> candidates;
  for (const Address& each : request.candidates) {
    const auto at = parse_ipv4(each.host, each.port);
    // ENet takes an answer to the broadcast address from anybody.
    const bool callable = at && at->port != 0 && at->host != 0 && at->host != 0xffffffffu;
    if (callable) candidates.push_back(*at);
  }
  if (candidates.empty()) {
    const Address& first = request.candidates.front();
    if (!parse_ipv4(first.host, first.port)) return not_ipv4(first.host);
    return Error{ErrorCode::invalid_address, 0, first.to_string() + " cannot be called."};
  }
  auto endpoint = EnetEndpoint::dial(shared_, std::move(candidates), request.handler);
  if (!endpoint) return explain(std::move(endpoint).error(), request.candidates.front());
  auto link = (*endpoint)->take_dialled();
  endpoints_.push_back(std::move(*endpoint));
  return link;
}

void EnetTransport::stop_listening() {
  for (auto& endpoint : endpoints_)
    endpoint->stop_listening();
}

void EnetTransport::service(TimePoint now) {
  // Each of them is read in each pass: a program that polls once a frame may have dialled many.
  const bool poller_tells_all = endpoints_.size() < kReadyPerWait;
  // By number: a handler may dial.
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    if (!poller_tells_all) endpoints_[index]->expect_input();
    endpoints_[index]->service(now);
  }
  std::erase_if(endpoints_, [](const auto& endpoint) { return endpoint->finished(); });
}

void EnetTransport::flush(TimePoint now) {
  for (auto& endpoint : endpoints_)
    endpoint->flush(now);
}

std::optional<TimePoint> EnetTransport::next_deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& endpoint : endpoints_) {
    const auto deadline = endpoint->next_deadline();
    if (deadline && (!earliest || *deadline < *earliest)) earliest = deadline;
  }
  return earliest;
}

}  // namespace

Result<std::unique_ptr<Transport>> make_enet_transport(TransportContext context) {
  auto clock = EnetHost::share_clock(*context.clock);
  if (!clock) return std::move(clock).error();
  return std::unique_ptr<Transport>(
      std::make_unique<EnetTransport>(std::move(context), std::move(*clock)));
}

}  // namespace tickwire::detail
