// SPDX-License-Identifier: MIT
#include "lib/features/transfer/source.hpp"

#include <new>
#include <vector>

#include <tickwire/copy_bytes.hpp>

namespace tickwire::detail {
namespace {

Error changed() {
  return Error{ErrorCode::file_changed, 0, "The file was changed while it was being sent."};
}

}  // namespace

Result<void> TransferSource::read(std::span<std::byte> to) try {
  if (memory_) {
    copy_bytes(to.data(), memory_->data() + position_, to.size());
  } else {
    const auto count = file_.read_at(position_, to);
    if (!count) return count.error();
    if (*count < to.size()) return changed();
  }
  if (!known_) sum_.update(to);
  position_ += to.size();
  return {};
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<void> TransferSource::pass_over(std::size_t bytes) try {
  std::vector<std::byte> piece(bytes);
  return read(piece);
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

void TransferSource::rewind() {
  position_ = 0;
  sum_ = TransferChecksum();
}

Result<void> TransferSource::check_unchanged() const {
  if (!stamp_) return {};
  const auto now = file_.facts();
  if (!now) return now.error();
  if (*now != stamp_->facts) return changed();
  return {};
}

}  // namespace tickwire::detail
