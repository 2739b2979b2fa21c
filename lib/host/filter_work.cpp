// SPDX-License-Identifier: MIT
#include "lib/host/filter_work.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "lib/base/bytes.hpp"
#include "lib/session/payload_access.hpp"

namespace tickwire::detail {
namespace {

// From here on what was filtered gets a block of its own, which the session shares.
constexpr std::size_t kOwnBlockBytes = 16 * 1024;

}  // namespace

std::optional<std::span<const std::byte>> FilterWork::apply_one(
    Filter& filter, std::span<const std::byte> payload) {
  const std::size_t room = filter.room_bytes(payload.size());
  if (room == 0) return std::nullopt;
  scratch_.resize(std::max(scratch_.size(), room));
  const auto size = filter.apply(payload, std::span(scratch_).first(room));
  if (!size || *size > room) return std::nullopt;
  if (filter.need() == FilterNeed::optional && *size + sizeof(std::uint32_t) >= payload.size()) {
    return std::nullopt;
  }
  result_.swap(scratch_);
  return std::span<const std::byte>(result_).first(*size);
}

ErrorCode FilterWork::apply(const AgreedFilters& agreed, OutMessage& message) {
  const auto original = message.body.payload;
  auto payload = original;
  std::array<std::uint32_t, AgreedFilters::max_filters> sizes{};
  std::size_t applied = 0;
  std::uint8_t mask = 0;
  try {
    for (std::size_t i = 0; i < agreed.count; ++i) {
      Filter& filter = *filters_[agreed.own[i]];
      const auto size = static_cast<std::uint32_t>(payload.size());
      if (const auto filtered = apply_one(filter, payload)) {
        payload = *filtered;
        sizes[applied++] = size;
        mask |= static_cast<std::uint8_t>(1u << i);
      } else if (filter.need() == FilterNeed::required) {
        return ErrorCode::encode_failed;
      }
    }
  } catch (...) {
    return ErrorCode::encode_failed;
  }
  if (mask == 0) return ErrorCode::none;

  std::array<std::byte, 1 + 5 * AgreedFilters::max_filters> head{std::byte{mask}};
  std::byte* at = head.data() + 1;
  while (applied > 0)
    at = store_varint(at, sizes[--applied]);
  const auto head_bytes = static_cast<std::size_t>(at - head.data());
  const std::size_t bytes = head_bytes + payload.size();

  message.payload_block = {};
  std::byte* into = nullptr;
  if (bytes >= kOwnBlockBytes) {
    message.payload_block = pool_.allocate(bytes);
    into = message.payload_block.bytes();
  } else {
    scratch_.resize(std::max(scratch_.size(), bytes));
    into = scratch_.data();
  }
  std::memcpy(into, head.data(), head_bytes);
  copy_bytes(into + head_bytes, payload.data(), payload.size());
  message.body.payload = {into, bytes};
  message.body.is_filtered = true;
  message.unfiltered_bytes = original.size();
  return ErrorCode::none;
}

ErrorCode FilterWork::undo(const AgreedFilters& agreed, std::size_t max_message_bytes,
                           Event& event) {
  ByteCursor cursor(event.payload.bytes());
  const auto mask = cursor.number<std::uint8_t>();
  if (!cursor.ok() || mask == 0 || (mask >> agreed.count) != 0)
    return ErrorCode::protocol_violation;
  std::array<std::uint32_t, AgreedFilters::max_filters> sizes{};
  for (std::size_t i = agreed.count; i-- > 0;) {
    if ((mask & (1u << i)) == 0) continue;
    sizes[i] = cursor.varint();
    if (!cursor.ok() || sizes[i] > max_message_bytes) return ErrorCode::protocol_violation;
  }
  auto payload = cursor.take_all();
  const auto metadata = event.payload.metadata_bytes();
  BufferRef block;
  try {
    for (std::size_t i = agreed.count; i-- > 0;) {
      if ((mask & (1u << i)) == 0) continue;
      BufferRef undone = pool_.allocate(sizes[i] + metadata.size());
      const std::span<std::byte> into(undone.bytes(), sizes[i]);
      if (!filters_[agreed.own[i]]->undo(payload, into)) return ErrorCode::protocol_violation;
      payload = into;
      block = std::move(undone);
    }
  } catch (const std::bad_alloc&) {
    return ErrorCode::out_of_resources;
  } catch (...) {
    return ErrorCode::protocol_violation;
  }
  std::byte* const beside = block.bytes() + payload.size();
  if (!metadata.empty()) std::memcpy(beside, metadata.data(), metadata.size());
  Payload whole;
  PayloadAccess::fill(whole, block.detach(), payload, {beside, metadata.size()});
  event.payload = std::move(whole);
  return ErrorCode::none;
}

}  // namespace tickwire::detail
