// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <tickwire/event.hpp>
#include <tickwire/filter.hpp>

#include "lib/base/buffer.hpp"
#include "lib/session/outbox.hpp"

namespace tickwire::detail {

/// Runs messages through a host's filters, out and in.
///
/// Shape:  a filtered payload begins with a byte whose bit i says that the agreed filter i was
///         applied; then, for each applied one, the last first, the bytes that it was given, as a
///         varint; then what has become of them.
/// Memory: two buffers, which grow to the largest message.
class FilterWork {
 public:
  using List = std::vector<std::shared_ptr<Filter>>;

  FilterWork(const List& filters, BufferPool& pool) noexcept : filters_(filters), pool_(pool) {}

  /// Changes the message's payload to what the agreed filters make of it, where they shrink it or
  /// are required. `encode_failed`: a filter failed.
  ///
  /// Lifetime: the new payload, until the next call.
  [[nodiscard]] ErrorCode apply(const AgreedFilters& agreed, OutMessage& message);
  /// Undoes that, in the event.
  ///
  /// Errors: `protocol_violation` when the bytes are not what the other end's filters can have
  ///         made; `out_of_resources`.
  [[nodiscard]] ErrorCode undo(const AgreedFilters& agreed, std::size_t max_message_bytes,
                               Event& event);

 private:
  [[nodiscard]] std::optional<std::span<const std::byte>> apply_one(
      Filter& filter, std::span<const std::byte> payload);

  const List& filters_;
  BufferPool& pool_;
  std::vector<std::byte> result_;   // holds what the last filter made
  std::vector<std::byte> scratch_;  // what the next one makes
};

}  // namespace tickwire::detail
