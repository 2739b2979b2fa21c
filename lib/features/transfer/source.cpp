// SPDX-License-Identifier: MIT
#include "lib/features/transfer/source.hpp"

#include <algorithm>
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
  while (!to.empty()) {
    const auto piece = to.first(std::min(to.size(), TransferChecksum::cached_bytes));
    if (auto fetched = fetch(piece); !fetched) return fetched;
    if (!known_) sum_.update(piece);
    position_ += piece.size();
    to = to.subspan(piece.size());
  }
  return {};
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<void> TransferSource::fetch(std::span<std::byte> to) const {
  if (memory_) {
    copy_bytes(to.data(), memory_->data() + position_, to.size());
    return {};
  }
  const auto count = file_.read_at(position_, to);
  if (!count) return count.error();
  if (*count < to.size()) return changed();
  return {};
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
