// SPDX-License-Identifier: MIT
#include "lib/session/message_run.hpp"

namespace tickwire::detail {

MessageRun MessageRun::records(BufferRef block, std::span<const std::byte> records,
                               std::uint32_t messages, std::uint8_t channel, std::uint64_t arrival,
                               Credit credit) noexcept {
  MessageRun run;
  run.place_ = {block.detach(messages), records.data(), records.data() + records.size()};
  run.left_ = messages;
  run.channel_ = channel;
  run.arrival_ = arrival;
  run.credit_ = credit;
  return run;
}

MessageRun MessageRun::whole(BufferRef block, std::size_t bytes, std::uint8_t kind,
                             std::uint8_t channel, std::uint64_t arrival) noexcept {
  const std::span<const std::byte> body{block.bytes(), bytes};
  MessageRun run = records(std::move(block), body, 1, channel, arrival, Credit::none);
  run.kind_ = kind;
  return run;
}

void MessageRun::move_to(Slice copy) noexcept {
  const auto bytes = copy.bytes();
  release(place_.block, left_);
  place_ = {copy.buffer.detach(left_), bytes.data(), bytes.data() + bytes.size()};
}

}  // namespace tickwire::detail
