// SPDX-License-Identifier: MIT
#include "lib/features/transfer/part.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

/// The state file.
///
/// Shape: 16 bytes that say what it is; the offer's key, 32 bytes; its size, 8 bytes,
///        little-endian; the SHA-256 of all this, 32 bytes.
namespace tickwire::detail {
namespace {

constexpr std::string_view kStateMark = "tickwire part 1\n";
constexpr std::size_t kStateBytes = 16 + 32 + 8 + 32;
constexpr int kMostNumbers = 999;
// Large enough that the system writes in one go, small enough that the last wait is short.
constexpr std::uint64_t kWriteOutBytes = 8 * 1024 * 1024;

using StateBytes = std::array<std::byte, kStateBytes>;

StateBytes state_of(const OfferIdentity& offer) {
  StateBytes bytes{};
  std::memcpy(bytes.data(), kStateMark.data(), 16);
  std::memcpy(bytes.data() + 16, offer.key.data(), std::min<std::size_t>(offer.key.size(), 32));
  for (std::size_t i = 0; i < 8; ++i)
    bytes[48 + i] = static_cast<std::byte>(offer.size_bytes >> (8 * i));
  const auto sum = crypto::sha256(std::span(bytes).first(56));
  std::copy(sum.begin(), sum.end(), bytes.begin() + 56);
  return bytes;
}

/// What a state file says about the part beside it.
enum class Standing : std::uint8_t { none, of_this_offer, of_another };

Standing standing_of(const std::filesystem::path& state, const OfferIdentity& offer) {
  const auto file = File::open_to_read(state);
  if (!file) return Standing::none;
  std::array<std::byte, kStateBytes + 1> found{};
  const auto count = file->read_at(0, found);
  if (!count || *count != kStateBytes) return Standing::none;
  const auto sum = crypto::sha256(std::span(found).first(56));
  if (!std::equal(sum.begin(), sum.end(), found.begin() + 56)) return Standing::none;
  const StateBytes wanted = state_of(offer);
  return std::equal(wanted.begin(), wanted.end(), found.begin()) ? Standing::of_this_offer
                                                                 : Standing::of_another;
}

Result<void> write_state(const std::filesystem::path& path, const OfferIdentity& offer) {
  auto file = File::open_to_write(path);
  if (!file) return file.error();
  if (auto written = file->write_at(0, state_of(offer)); !written) return written;
  return file->resize(kStateBytes);
}

Error in_the_way(const std::filesystem::path& path) {
  return Error{ErrorCode::file_exists, 0, path.string() + ": it is there already."};
}

std::filesystem::path with(const std::filesystem::path& path, std::string_view suffix) {
  std::filesystem::path longer = path;
  longer += suffix;
  return longer;
}

std::filesystem::path numbered(const std::filesystem::path& path, int number) {
  return path.parent_path() /
         (path.stem().string() + " (" + std::to_string(number) + ")" + path.extension().string());
}

void remove_quietly(const std::filesystem::path& path) noexcept {
  std::error_code error;
  std::filesystem::remove(path, error);
}

// Also more than any file's, when it is none.
std::uintmax_t size_of(const std::filesystem::path& path) noexcept {
  std::error_code error;
  return std::filesystem::file_size(path, error);
}

bool is_in_the_way(const std::filesystem::path& target, WhenThere when_there) noexcept {
  std::error_code error;
  return when_there == WhenThere::replace ? std::filesystem::is_directory(target, error)
                                          : is_name_taken(target);
}

// A stranger's file of that name is not touched, nor is a numbered one's earlier attempt. Nobody
// loses an empty one: who made it and has no lock on it died before there was anything.
bool may_take(Standing standing, WhenThere when_there, std::uintmax_t part_bytes) noexcept {
  if (part_bytes == 0 || standing == Standing::of_this_offer) return true;
  return standing == Standing::of_another && when_there != WhenThere::number;
}

// Whether the name is this file's: somebody may have removed that, and put another there.
bool leads_to(const std::filesystem::path& path, const File& file) noexcept try {
  std::error_code error;
  if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, error))) return false;
  const auto named = File::open_to_read(path);
  if (!named) return false;
  const auto there = named->stamp();
  const auto here = file.stamp();
  return there && here && there->device == here->device && there->number == here->number;
} catch (const std::bad_alloc&) {
  return false;
}

Result<void> check_room(const std::filesystem::path& target, std::uint64_t bytes) {
  std::error_code error;
  const auto folder = target.has_parent_path() ? target.parent_path() : ".";
  const auto space = std::filesystem::space(folder, error);
  if (error || space.available >= bytes) return {};
  return Error{ErrorCode::disk_full, 0,
               folder.string() + ": " + std::to_string(space.available) + " bytes are free, " +
                   std::to_string(bytes) + " are needed."};
}

}  // namespace

Result<TransferPart> TransferPart::open(const std::filesystem::path& target, WhenThere when_there,
                                        const OfferIdentity& offer) {
  if (!target.has_filename()) {
    return Error{ErrorCode::invalid_argument, 0, target.string() + ": this is no file's name."};
  }
  auto part = open_exactly(target, when_there, offer);
  if (when_there != WhenThere::number) return part;
  for (int number = 2; number <= kMostNumbers; ++number) {
    if (part || part.error().code != ErrorCode::file_exists) break;
    part = open_exactly(numbered(target, number), when_there, offer);
  }
  if (part) part->wanted_ = target;
  return part;
}

Result<TransferPart> TransferPart::open_exactly(const std::filesystem::path& target,
                                                WhenThere when_there, const OfferIdentity& offer) {
  TransferPart part;
  part.target_ = target;
  part.part_ = with(target, ".part");
  part.state_ = with(target, ".part.state");
  part.when_there_ = when_there;
  if (is_in_the_way(target, when_there)) return in_the_way(target);
  // Looked at before it is opened too: a file of others may be none that can be opened.
  if (is_name_taken(part.part_) &&
      !may_take(standing_of(part.state_, offer), when_there, size_of(part.part_))) {
    return in_the_way(part.part_);
  }
  auto opened = File::open_to_write(part.part_);
  if (!opened) return opened.error();
  part.file_ = std::move(*opened);
  if (auto taken = part.take_over(offer); !taken) return taken.error();
  return part;
}

// The part is locked here before anything is changed or believed: until then, another transfer may
// have been at work there.
Result<void> TransferPart::take_over(const OfferIdentity& offer) {
  const auto facts = file_.facts();
  if (!facts) return facts.error();
  const Standing standing = standing_of(state_, offer);
  if (!may_take(standing, when_there_, facts->size_bytes)) return in_the_way(part_);
  const auto let_go = [&] {
    // Who was at work there a moment ago leaves its state to whoever has the part's name by now.
    if (facts->size_bytes == 0) standing == Standing::none ? remove_part() : discard();
  };
  // That one may have given its own the target's name.
  if (is_in_the_way(target_, when_there_)) {
    let_go();
    return in_the_way(target_);
  }
  // What is there makes room as well, whether it is gone on with or not.
  const auto there_already = std::min(facts->size_bytes, offer.size_bytes);
  if (auto room = check_room(target_, offer.size_bytes - there_already); !room) {
    let_go();
    return room;
  }
  const bool is_known = standing == Standing::of_this_offer;
  if (!is_known) {
    const bool was_there = is_name_taken(state_);
    if (auto written = write_state(state_, offer); !written) {
      if (!was_there) remove_quietly(state_);
      if (facts->size_bytes == 0) remove_part();
      return written.error();
    }
  }
  earlier_bytes_ = is_known && facts->size_bytes <= offer.size_bytes ? facts->size_bytes : 0;
  return earlier_bytes_ == 0 ? file_.resize(0) : Result<void>();
}

Result<bool> TransferPart::look_again(std::size_t bytes) try {
  if (position_ >= earlier_bytes_) return false;
  std::vector<std::byte> piece(std::min<std::uint64_t>(bytes, earlier_bytes_ - position_));
  const auto count = file_.read_at(position_, piece);
  if (!count) return count.error();
  sum_.update(std::span(piece).first(*count));
  position_ += *count;
  written_out_ = position_;
  if (*count < piece.size()) earlier_bytes_ = position_;
  return position_ < earlier_bytes_;
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<void> TransferPart::start_over() {
  position_ = 0;
  written_out_ = 0;
  earlier_bytes_ = 0;
  sum_ = TransferChecksum();
  return file_.is_open() ? file_.resize(0) : Result<void>();
}

Result<void> TransferPart::append(std::span<const std::byte> bytes) try {
  if (is_closed_) return Error{ErrorCode::file_unwritable, 0, {}};
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), TransferChecksum::cached_bytes));
    if (target_.empty()) {
      memory_.insert(memory_.end(), piece.begin(), piece.end());
    } else if (auto written = file_.write_at(position_, piece); !written) {
      return written;
    }
    // Not before it is there: what comes behind a piece that is not, and the end, may be on their
    // way by the time that anybody hears of it.
    sum_.update(piece);
    position_ += piece.size();
    bytes = bytes.subspan(piece.size());
  }
  if (!target_.empty() && position_ - written_out_ >= kWriteOutBytes) {
    file_.begin_writing_out(written_out_, position_ - written_out_);
    written_out_ = position_;
  }
  return {};
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<void> TransferPart::finish(const crypto::Sha256Digest& wanted) {
  if (is_closed_) return Error{ErrorCode::file_unwritable, 0, {}};
  if (auto done = put_in_place(wanted); !done) {
    discard();
    return done;
  }
  is_closed_ = true;
  if (target_.empty()) return {};
  file_.close();
  remove_state();
  return {};
}

Result<void> TransferPart::put_in_place(const crypto::Sha256Digest& wanted) {
  if (sum_.digest() != wanted) {
    return Error{ErrorCode::checksum_mismatch, 0,
                 "What came has another checksum than what was sent."};
  }
  if (!target_.empty()) {
    if (auto synced = file_.sync(); !synced) return synced;
  }
  // Asked as late as can be: a disk may take its time.
  if (*is_given_up_) return Error{ErrorCode::transfer_cancelled, 0, {}};
  if (target_.empty()) return {};
  // It is moved by its name, which must not give another file's bytes the target's.
  if (!leads_to(part_, file_)) {
    return Error{ErrorCode::file_unwritable, 0,
                 part_.string() + ": it was removed or replaced while it was being written."};
  }
  if (when_there_ == WhenThere::number) return move_to_free_name();
  const bool replaces = when_there_ == WhenThere::replace;
  return move_file(part_, target_, replaces ? IfThere::replace : IfThere::keep);
}

// The name was free when this began, which may be long ago.
Result<void> TransferPart::move_to_free_name() {
  auto moved = move_file(part_, target_, IfThere::keep);
  for (int number = 2; number <= kMostNumbers; ++number) {
    if (moved || moved.error().code != ErrorCode::file_exists) break;
    auto next = numbered(wanted_, number);
    if (is_name_taken(with(next, ".part"))) continue;  // another transfer's
    moved = move_file(part_, next, IfThere::keep);
    if (moved) target_ = std::move(next);
  }
  return moved;
}

void TransferPart::keep() noexcept {
  if (std::max(position_, earlier_bytes_) == 0) return discard();
  is_closed_ = true;
  file_.close();
}

// The state goes last: a part without one would be in the way.
void TransferPart::discard() noexcept {
  if (std::exchange(is_closed_, true)) return;
  memory_ = {};
  if (target_.empty()) return;
  remove_part();
  remove_state();
}

void TransferPart::remove_part() noexcept {
  is_closed_ = true;
  if (leads_to(part_, file_)) remove_quietly(part_);
  file_.close();
}

// The lock went with the part. Whoever has the name by now has its own state there, so the name is
// taken once more for as long as this lasts.
void TransferPart::remove_state() noexcept try {
  const auto again = File::open_to_write(part_);
  if (!again) return;
  const auto facts = again->facts();
  if (!facts || facts->size_bytes > 0) return;
  remove_quietly(state_);
  remove_quietly(part_);
} catch (const std::bad_alloc&) {  // what stays is written over by the next
}

}  // namespace tickwire::detail
