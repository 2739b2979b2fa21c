// SPDX-License-Identifier: MIT
#include "lib/transport/tcp/connect_race.hpp"

#include <algorithm>
#include <utility>

#include "lib/platform/socket_errno.hpp"

namespace tickwire::detail {
namespace {

constexpr Duration kAttemptDelay = std::chrono::milliseconds(250);

bool is_ipv6(const Address& address) {
  return address.host.find(':') != std::string::npos;
}

// The two families in turn, each in the order that it came in.
std::vector<Address> interleaved(std::vector<Address> candidates) {
  if (candidates.empty()) return candidates;
  const bool first_family = is_ipv6(candidates.front());
  const auto others =
      std::stable_partition(candidates.begin(), candidates.end(),
                            [&](const Address& each) { return is_ipv6(each) == first_family; });
  std::vector<Address> mixed;
  for (auto one = candidates.begin(), other = others; one != others || other != candidates.end();) {
    if (one != others) mixed.push_back(std::move(*one++));
    if (other != candidates.end()) mixed.push_back(std::move(*other++));
  }
  return mixed;
}

// What somebody at the other end has said tells more than that a family has no way there.
int weight(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::connection_refused:
    case ErrorCode::connection_reset:
      return 3;
    case ErrorCode::out_of_resources:
    case ErrorCode::connect_timed_out:
      return 2;
    case ErrorCode::socket_failed:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

ConnectRace::ConnectRace(Poller& poller, PollTarget& target, std::vector<Address> candidates)
    : poller_(poller), target_(target), candidates_(interleaved(std::move(candidates))) {}

std::optional<Result<ConnectRace::Winner>> ConnectRace::step(TimePoint now) {
  for (std::size_t i = 0; i < attempts_.size();) {
    Attempt& attempt = *attempts_[i];
    if (!std::exchange(attempt.is_ready, false)) {
      ++i;
      continue;
    }
    attempt.watch = Watch();
    const int code = attempt.socket.connect_result();
    if (code == 0) return Winner{std::move(attempt.socket), std::move(attempt.address)};
    note(socket_error(code));
    attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  while (next_ < candidates_.size() && (attempts_.empty() || now >= next_at_))
    begin_next(now);
  if (attempts_.empty()) return error_;
  return std::nullopt;
}

void ConnectRace::begin_next(TimePoint now) {
  Address& candidate = candidates_[next_++];
  next_at_ = now + kAttemptDelay;
  const auto address = SocketAddress::parse(candidate.host, candidate.port);
  if (!address) {
    return note({ErrorCode::invalid_address, 0, "'" + candidate.host + "' is not numeric."});
  }
  auto socket = StreamSocket::connect(*address);
  if (!socket) return note(std::move(socket).error());
  auto attempt = std::make_unique<Attempt>(target_, *std::move(socket), std::move(candidate));
  attempt->watch = Watch(poller_, attempt->socket.handle(), *attempt);
  if (!attempt->watch.set(Interest::writable)) {
    return note({ErrorCode::out_of_resources, 0, "The system has no room to wait for a socket."});
  }
  attempts_.push_back(std::move(attempt));
}

void ConnectRace::note(Error error) {
  next_at_ = TimePoint::min();  // the next one need not wait for one that has failed
  if (error_.code == ErrorCode::none || weight(error.code) > weight(error_.code)) {
    error_ = std::move(error);
  }
}

std::optional<TimePoint> ConnectRace::next_deadline() const {
  if (next_ >= candidates_.size()) return std::nullopt;
  return next_at_;
}

}  // namespace tickwire::detail
