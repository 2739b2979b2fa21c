// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/archive.hpp>
#include <tickwire/event.hpp>
#include <tickwire/host.hpp>
#include <tickwire/message_name.hpp>

/// What host.hpp, connection.hpp and event.hpp only declare. Includes Cereal; a file that sends or
/// decodes objects includes this one.
namespace tickwire {

namespace detail {

/// Encodes an object as what is sent for its type.
template <class T>
[[nodiscard]] Result<void> encode_message(const T& object, ByteSink& bytes) {
  if constexpr (std::is_same_v<message_value_t<T>, std::remove_cvref_t<T>>) {
    return encode(object, bytes);
  } else {
    return encode(message_value_t<T>(object), bytes);
  }
}

/// For headers that decode and do not include Cereal.
template <class T>
[[nodiscard]] Result<T> decode_bytes(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  return decode<T>(bytes, limits);
}

}  // namespace detail

template <class T>
bool Event::is() const noexcept {
  return type == EventType::object_received && type_id == tickwire::message_type<T>;
}

template <class T>
Result<T> Event::as() const {
  if (!is<T>()) return detail::wrong_type(tickwire::message_name<T>);
  return decode<T>(bytes(), decode_limits.unpacked());
}

template <class T>
ErrorCode Event::read(T& into) const {
  if (!is<T>()) return ErrorCode::wrong_type;
  ErrorCode code = ErrorCode::none;
  detail::decode_whole(bytes(), into, decode_limits.unpacked(), nullptr,
                       [&](const Error& failure) { code = failure.code; });
  return code;
}

template <class T>
Result<MessageId> Connection::send(const T& object, const SendOptions& options) const {
  if (host_ == nullptr) return Error{ErrorCode::not_connected, 0, {}};
  return host_->send(*this, object, options);
}

template <class T>
Result<void> Host::encode(const T& object) {
  ByteSink* const sink = start_encoding();
  if (sink == nullptr) return Error{ErrorCode::reentrant_call, 0, {}};
  return detail::encode_message(object, *sink);
}

template <class T>
Result<MessageId> Host::send(Connection connection, const T& object, const SendOptions& options) {
  auto encoded = encode(object);
  if (!encoded) return refuse(connection, std::move(encoded).error());
  return send_encoded(connection, message_type<message_value_t<T>>, options);
}

template <class T>
Result<MessageId> Host::send_and_wait(Connection connection, const T& object, Duration timeout,
                                      const SendOptions& options) {
  if (auto allowed = may_wait_sent(); !allowed) return allowed.error();
  auto sent = send(connection, object, options);
  if (!sent) return sent;
  return wait_sent(connection, *sent, timeout);
}

template <class T>
BroadcastResult Host::broadcast(const T& object, const BroadcastOptions& options) {
  auto encoded = encode(object);
  if (!encoded) return refuse_broadcast(options, encoded.error().code);
  return broadcast_encoded(message_type<message_value_t<T>>, options);
}

template <class T>
BroadcastResult Host::send_to(std::span<const Connection> targets, const T& object,
                              const SendOptions& options) {
  auto encoded = encode(object);
  if (!encoded) return refuse_all(targets, encoded.error().code);
  return send_encoded_to(targets, message_type<message_value_t<T>>, options);
}

template <class T>
Subscription Host::on_message(std::function<void(Connection, const T&)> function) {
  return on_encoded(message_type<T>, [this, function = std::move(function)](const Event& event) {
    auto object = event.as<T>();
    if (!object) return report_malformed(event, std::move(object).error());
    function(event.connection, *object);
  });
}

}  // namespace tickwire
