// SPDX-License-Identifier: MIT
#include <tickwire/event.hpp>

#include <tickwire/message_name.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire {

Payload::~Payload() {
  if (block_ != nullptr) detail::release(block_);
}

std::string_view Event::message_name() const noexcept {
  if (type != EventType::object_received) return {};
  return detail::find_message_name(type_id).value_or(std::string_view());
}

Metadata Event::metadata() const {
  if (payload.metadata_bytes().empty()) return {};
  return decode_metadata(payload.metadata_bytes(), decode_limits.unpacked()).value_or(Metadata());
}

}  // namespace tickwire
