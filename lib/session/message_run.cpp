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

Held MessageRun::take(Event& into) noexcept {
  Held held;
  wire::Record record{kind_, {place_.begin, place_.end}, {}};
  if (kind_ == 0) {
    ByteCursor cursor(record.body);
    record = *wire::next_record(cursor);
    place_.begin = record.body.data() + record.body.size();
    held.credit = wire::record_cost(record.body.size());
  } else {
    held.reserved_bytes = record.body.size();
  }
  const wire::MessageBody body = *wire::read_message_body(record.kind, record.body);
  held.is_filtered = body.is_filtered;
  into.type = body.is_object ? EventType::object_received : EventType::data_received;
  into.channel = channel_;
  into.type_id = body.type;
  PayloadAccess::fill(into.payload, place_.block, body.payload, body.metadata);
  --left_;
  return held;
}

}  // namespace tickwire::detail
