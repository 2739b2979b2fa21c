// SPDX-License-Identifier: MIT
#include "lib/session/message_run.hpp"

#include "lib/session/payload_access.hpp"
#include "lib/session/wire.hpp"

namespace tickwire::detail {

MessageRun MessageRun::records(const Place& place, std::uint32_t messages, std::uint8_t channel,
                               std::uint64_t arrival) noexcept {
  MessageRun run;
  retain(place.block, messages);
  run.place_ = place;
  run.left_ = messages;
  run.channel_ = channel;
  run.arrival_ = arrival;
  return run;
}

MessageRun MessageRun::whole(const Place& place, std::uint8_t kind, std::uint8_t channel,
                             std::uint64_t arrival) noexcept {
  MessageRun run = records(place, 1, channel, arrival);
  run.kind_ = kind;
  return run;
}

void MessageRun::take(Event& into, Held& held) noexcept {
  std::uint8_t kind = kind_;
  std::span<const std::byte> record{place_.begin, place_.end};
  if (kind == 0) {
    const std::byte* at = place_.begin;
    kind = std::to_integer<std::uint8_t>(*at++);
    const std::uint32_t bytes = load_varint(at);
    record = {at, bytes};
    place_.begin = at + bytes;
    held.credit = wire::record_cost(bytes);
  } else {
    held.reserved_bytes = record.size();
  }
  const wire::MessageBody body = wire::read_correct_body(kind, record);
  held.is_filtered = body.is_filtered;
  into.type = body.is_object ? EventType::object_received : EventType::data_received;
  into.channel = channel_;
  into.type_id = body.type;
  PayloadAccess::fill(into.payload, place_.block, body.payload, body.metadata);
  --left_;
}

}  // namespace tickwire::detail
