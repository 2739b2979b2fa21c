// SPDX-License-Identifier: MIT
#include "lib/features/transfer/source.hpp"

#include <new>
#include <span>
#include <stdexcept>

#include <tickwire/copy_bytes.hpp>

namespace tickwire::detail {
namespace {

Error changed() {
  return Error{ErrorCode::file_changed, 0, "The file was changed while it was being sent."};
}

}  // namespace

Result<std::vector<std::byte>> TransferSource::read(std::size_t bytes, std::size_t room) try {
  std::vector<std::byte> chunk(room + bytes);
  const auto body = std::span(chunk).subspan(room);
  if (memory_) {
    copy_bytes(body.data(), memory_->data() + position_, bytes);
  } else {
    const auto count = file_.read_at(position_, body);
    if (!count) return count.error();
    if (*count < bytes) return changed();
  }
  if (!known_) sum_.update(body);
  position_ += bytes;
  return chunk;
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

void TransferSource::rewind() {
  position_ = 0;
  sum_ = crypto::Sha256();
}

Result<void> TransferSource::check_unchanged() const {
  if (!stamp_) return {};
  const auto now = file_.facts();
  if (!now) return now.error();
  if (*now != stamp_->facts) return changed();
  return {};
}

}  // namespace tickwire::detail
