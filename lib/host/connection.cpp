// SPDX-License-Identifier: MIT
#include <tickwire/connection.hpp>

#include <utility>

#include "lib/host/host_core.hpp"

namespace tickwire {

detail::Peer* Connection::peer() const noexcept {
  return host_ != nullptr ? host_->core_->find(*this) : nullptr;
}

bool Connection::is_open() const noexcept {
  const detail::Peer* peer = this->peer();
  return peer != nullptr && peer->session->is_open();
}

Address Connection::address() const {
  const detail::Peer* peer = this->peer();
  return peer != nullptr ? peer->address : Address();
}

Direction Connection::direction() const noexcept {
  const detail::Peer* peer = this->peer();
  return peer != nullptr ? peer->direction : Direction::dialled;
}

std::string Connection::name() const {
  const detail::Peer* peer = this->peer();
  return peer != nullptr ? peer->session->name() : std::string();
}

std::string Connection::verified_subject() const {
  const detail::Peer* peer = this->peer();
  return peer != nullptr ? peer->verified_subject : std::string();
}

bool Connection::is_private() const noexcept {
  const detail::Peer* peer = this->peer();
  return peer != nullptr && peer->link && peer->link->traits().is_private;
}

std::vector<std::byte> Connection::channel_binding() const {
  const detail::Peer* peer = this->peer();
  return peer != nullptr && peer->link ? peer->link->channel_binding() : std::vector<std::byte>();
}

ConnectionStats Connection::stats() const {
  const detail::Peer* peer = this->peer();
  return peer != nullptr ? peer->session->stats() : ConnectionStats();
}

std::optional<TimePoint> Connection::peer_time() const {
  const detail::Peer* peer = this->peer();
  if (peer == nullptr) return std::nullopt;
  const auto ahead = peer->session->clock_offset();
  if (!ahead) return std::nullopt;
  return host_->core_->clock_now() + *ahead;
}

Connection Connection::successor() const noexcept {
  const detail::Peer* peer = this->peer();
  return peer != nullptr && peer->redial ? peer->redial->successor : Connection();
}

std::optional<CallStatus> Connection::call_status() const noexcept {
  const detail::Peer* peer = this->peer();
  return peer != nullptr ? peer->call_status() : std::nullopt;
}

Result<MessageId> Connection::send_owned(std::vector<std::byte>&& bytes,
                                         const SendOptions& options) const {
  if (host_ == nullptr) return Error{ErrorCode::not_connected, 0, {}};
  return host_->send_owned(*this, std::move(bytes), options);
}

Result<MessageId> Connection::send_owned(SendBuffer&& bytes, const SendOptions& options) const {
  if (host_ == nullptr) return Error{ErrorCode::not_connected, 0, {}};
  return host_->send_owned(*this, std::move(bytes), options);
}

ErrorCode Connection::close(const CloseReason& reason) const {
  return host_ != nullptr ? host_->close(*this, reason) : ErrorCode::not_connected;
}

ErrorCode Connection::blacklist(std::optional<Duration> time) const {
  return host_ != nullptr ? host_->core_->blacklist(*this, time) : ErrorCode::not_connected;
}

ErrorCode Connection::set_user_data(std::any data) const {
  detail::Peer* peer = this->peer();
  if (peer == nullptr) return ErrorCode::not_connected;
  // What was there may look for the new as it goes, or replace it.
  const std::any replaced = std::exchange(peer->user_data, std::move(data));
  return ErrorCode::none;
}

std::any* Connection::user_data_slot() const noexcept {
  detail::Peer* peer = this->peer();
  return peer != nullptr ? &peer->user_data : nullptr;
}

}  // namespace tickwire
