// SPDX-License-Identifier: MIT
#include "lib/session/message_run.hpp"

namespace tickwire::detail {

MessageRun MessageRun::records(const Place& place, std::uint32_t messages, std::uint8_t channel,
                               std::uint64_t arrival, Credit credit) noexcept {
  MessageRun run;
  retain(place.block, messages);
  run.place_ = place;
  run.left_ = messages;
  run.channel_ = channel;
  run.arrival_ = arrival;
  run.credit_ = credit;
  return run;
}

MessageRun MessageRun::whole(const Place& place, std::uint8_t kind, std::uint8_t channel,
                             std::uint64_t arrival) noexcept {
  MessageRun run = records(place, 1, channel, arrival, Credit::none);
  run.kind_ = kind;
  return run;
}

}  // namespace tickwire::detail
