// SPDX-License-Identifier: MIT
#include <new>

#include <tickwire/copy_bytes.hpp>

#include "lib/base/send_buffer_access.hpp"
#include "lib/host/host_core.hpp"

/// How messages get into sessions.
namespace tickwire::detail {
namespace {

// From here on a broadcast's payload is shared by its targets instead of copied into the packets of
// each; below, the copy is cheaper than the counting.
constexpr std::size_t kShareBytes = 1024;
// From here on the caller's own memory is sent from; below, messages share packets.
constexpr std::size_t kAdoptBytes = 16 * 1024;

}  // namespace

// Inlined by force, as its call would be a tenth of what a small message costs. The copy comes
// last: hardly anything has to be kept over its call.
[[gnu::always_inline]] inline Result<MessageId> HostCore::send(const Connection& connection,
                                                               wire::Kind kind, std::uint32_t type,
                                                               std::span<const std::byte> payload,
                                                               const SendOptions& options) {
  Peer* const peer = find(connection);
  if (peer == nullptr || !peer->in_dirty_list || !is_plain(options)) {
    return send_the_long_way(connection, payload, options, kind, type);
  }
  std::byte* const at =
      peer->session->send_behind_last(kind, type, payload.size(), options.channel, last_id_ + 1);
  if (at == nullptr) return send_the_long_way(connection, payload, options, kind, type);
  const MessageId id = ++last_id_;
  copy_bytes(at, payload.data(), payload.size());
  return id;
}

// By number and address, as the short way has them: together they would have to be in memory. So
// would the payload, behind the numbers.
[[gnu::noinline]] Result<MessageId> HostCore::send_the_long_way(const Connection& connection,
                                                                std::span<const std::byte> payload,
                                                                const SendOptions& options,
                                                                wire::Kind kind,
                                                                std::uint32_t type) {
  OutMessage message{
      .body = {.is_object = kind == wire::Kind::message, .type = type, .payload = payload}};
  return send(connection, message, options);
}

[[gnu::always_inline]] inline Result<MessageId> HostCore::send_bytes(
    const Connection& connection, std::span<const std::byte> bytes, const SendOptions& options) {
  return send(connection, wire::Kind::bytes, 0, bytes, options);
}

OutMessage HostCore::encoded_message(std::uint32_t type) noexcept {
  const auto payload = encode_buffer_.bytes();
  return {.body = {.is_object = true, .type = type, .payload = payload},
          .payload_block = encode_buffer_.take_large()};
}

[[gnu::always_inline]] inline Result<MessageId> HostCore::send_encoded(const Connection& connection,
                                                                       std::uint32_t type,
                                                                       const SendOptions& options) {
  if (encode_buffer_.is_large()) return send_large(connection, type, options);
  return send(connection, wire::Kind::message, type, encode_buffer_.bytes(), options);
}

Result<MessageId> HostCore::send_large(Connection connection, std::uint32_t type,
                                       const SendOptions& options) {
  OutMessage message = encoded_message(type);
  return send(connection, message, options);
}

Result<MessageId> HostCore::send(Connection connection, OutMessage& message,
                                 const SendOptions& options) {
  Peer* peer = find(connection);
  if (peer == nullptr) return Error{ErrorCode::not_connected, 0, {}};
  // Not simply copied: the processor would wait for a half of it that the caller has just written.
  if (options.replace_key) message.replace_key = options.replace_key;
  if (!options.metadata.empty()) {
    if (auto added = add_metadata(message, options.metadata); !added) {
      peer->session->count_refused(added.error().code);
      return added.error();
    }
  }
  message.id = last_id_ + 1;
  const TimePoint now = send_time(options);
  const ErrorCode code = config.filters.empty() ? add(*peer, message, options, now)
                                                : add_filtered(*peer, message, options, now);
  if (code != ErrorCode::none) return Error{code, 0, {}};
  return ++last_id_;
}

// Whether nothing is asked for besides the channel.
bool HostCore::is_plain(const SendOptions& options) const noexcept {
  return options.delivery.value_or(Delivery::reliable) == Delivery::reliable &&
         options.metadata.empty() && !options.replace_key && config.filters.empty();
}

Result<void> HostCore::add_metadata(OutMessage& message, const Metadata& metadata) {
  metadata_scratch_.clear();
  auto encoded = encode_metadata(metadata, metadata_scratch_);
  if (encoded) message.body.metadata = metadata_scratch_;
  return encoded;
}

// When a message is sent matters for those that may grow too old. The time is the clock's then and
// not the pass's: what a slow program sends at the end of its pass would otherwise be born too old.
TimePoint HostCore::send_time(const SendOptions& options) const {
  const bool is_known = options.channel < config.channels.size();
  const Delivery delivery = options.delivery ? *options.delivery
                            : is_known       ? config.channels[options.channel].delivery
                                             : Delivery::reliable;
  return delivery == Delivery::reliable ? now_ : clock_.now();
}

ErrorCode HostCore::add(Peer& peer, const OutMessage& message, const SendOptions& options,
                        TimePoint now) {
  const ErrorCode code = peer.session->send(message, options.delivery, options.channel, now);
  if (code == ErrorCode::none) mark_dirty(peer);
  return code;
}

ErrorCode HostCore::add_filtered(Peer& peer, const OutMessage& message, const SendOptions& options,
                                 TimePoint now) {
  std::optional<Filtered> filtered;
  return add_filtered(peer, message, options, now, filtered);
}

ErrorCode HostCore::add_filtered(Peer& peer, const OutMessage& message, const SendOptions& options,
                                 TimePoint now, std::optional<Filtered>& filtered) {
  if (config.filters.empty()) return add(peer, message, options, now);
  const AgreedFilters agreed = peer.session->filters();
  if (agreed.count == 0) return add(peer, message, options, now);
  const OutMessage* const to_send = filter(agreed, message, filtered);
  if (to_send != nullptr) return add(peer, *to_send, options, now);
  peer.session->count_refused(ErrorCode::encode_failed);
  return ErrorCode::encode_failed;
}

// What the filters of a target make of a message; done once for all who have the same.
const OutMessage* HostCore::filter(const AgreedFilters& agreed, const OutMessage& message,
                                   std::optional<Filtered>& filtered) {
  if (!filtered || filtered->agreed != agreed) {
    filtered.emplace(Filtered{agreed, message, ErrorCode::none});
    filtered->code = filters_.apply(agreed, filtered->message);
  }
  return filtered->code == ErrorCode::none ? &filtered->message : nullptr;
}

Result<MessageId> HostCore::send_owned(Connection connection, std::vector<std::byte>&& bytes,
                                       const SendOptions& options) {
  OutMessage message{.body = {.payload = bytes}};
  if (bytes.size() < kAdoptBytes || bytes.size() > config.limits.max_message_bytes) {
    return send(connection, message, options);
  }
  message.payload_block = (*pool_).adopt(std::move(bytes));
  auto sent = send(connection, message, options);
  if (!sent) bytes = BufferPool::give_back(std::move(message.payload_block));
  return sent;
}

Result<MessageId> HostCore::send_owned(Connection connection, SendBuffer&& bytes,
                                       const SendOptions& options) {
  OutMessage message{.body = {.payload = bytes.bytes()},
                     .payload_block = SendBufferAccess::share(bytes)};
  auto sent = send(connection, message, options);
  if (sent) bytes = SendBuffer();
  return sent;
}

Result<SendBuffer> HostCore::make_send_buffer(std::size_t bytes) try {
  if (bytes > config.limits.max_message_bytes) return Error{ErrorCode::message_too_large, 0, {}};
  return SendBufferAccess::make((*pool_).allocate(bytes), bytes);
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

// One payload for all who do not take a copy.
void HostCore::share_payload(OutMessage& message) {
  const auto payload = message.body.payload;
  if (message.payload_block || payload.size() < kShareBytes) return;
  message.payload_block = (*pool_).allocate(payload.size());
  copy_bytes(message.payload_block.bytes(), payload.data(), payload.size());
  message.body.payload = {message.payload_block.bytes(), payload.size()};
}

void HostCore::add_for_all(Peer* peer, const OutMessage& message, const SendOptions& options,
                           TimePoint now, std::optional<Filtered>& filtered,
                           BroadcastResult& result) {
  const bool is_queued =
      peer != nullptr && add_filtered(*peer, message, options, now, filtered) == ErrorCode::none;
  if (is_queued) {
    ++result.queued;
  } else {
    ++result.refused;
  }
}

BroadcastResult HostCore::refuse_broadcast(const BroadcastOptions& options, ErrorCode code) {
  BroadcastResult result;
  const Peer* left_out = find(options.except);
  table_.for_each([&](Peer& peer) {
    if (&peer == left_out || !peer.session->is_open()) return;
    peer.session->count_refused(code);
    ++result.refused;
  });
  return result;
}

BroadcastResult HostCore::refuse_all(std::span<const Connection> targets, ErrorCode code) {
  for (const Connection& target : targets) {
    if (Peer* const peer = find(target)) peer->session->count_refused(code);
  }
  return {0, 0, targets.size()};
}

BroadcastResult HostCore::broadcast(OutMessage& message, const BroadcastOptions& options) {
  BroadcastResult result;
  message.replace_key = options.send.replace_key;
  if (!options.send.metadata.empty()) {
    auto added = add_metadata(message, options.send.metadata);
    if (!added) return refuse_broadcast(options, added.error().code);
  }
  share_payload(message);
  message.id =
      ++last_id_;  // taken whatever comes: without memory it may reach some, and then throw
  const Peer* left_out = find(options.except);
  const TimePoint now = send_time(options.send);
  std::optional<Filtered> filtered;
  table_.for_each([&](Peer& peer) {
    if (&peer == left_out || !peer.session->is_open()) return;
    add_for_all(&peer, message, options.send, now, filtered, result);
  });
  if (result.queued > 0) result.id = message.id;
  return result;
}

BroadcastResult HostCore::send_to(std::span<const Connection> targets, OutMessage& message,
                                  const SendOptions& options) {
  BroadcastResult result;
  message.replace_key = options.replace_key;
  if (!options.metadata.empty()) {
    auto added = add_metadata(message, options.metadata);
    if (!added) return refuse_all(targets, added.error().code);
  }
  if (targets.size() > 1) share_payload(message);
  message.id = ++last_id_;
  const TimePoint now = send_time(options);
  std::optional<Filtered> filtered;
  for (const Connection& target : targets)
    add_for_all(find(target), message, options, now, filtered, result);
  if (result.queued > 0) result.id = message.id;
  return result;
}

}  // namespace tickwire::detail

// Here with what they inline.
namespace tickwire {

Result<MessageId> Connection::send_bytes(std::span<const std::byte> bytes,
                                         const SendOptions& options) const {
  if (host_ == nullptr) return Error{ErrorCode::not_connected, 0, {}};
  return host_->core_->send_bytes(*this, bytes, options);
}

Result<MessageId> Host::send_bytes(Connection connection, std::span<const std::byte> bytes,
                                   const SendOptions& options) {
  return core_->send_bytes(connection, bytes, options);
}

Result<MessageId> Host::send_encoded(Connection connection, std::uint32_t type,
                                     const SendOptions& options) {
  return core_->send_encoded(connection, type, options);
}

}  // namespace tickwire
