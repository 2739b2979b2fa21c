// SPDX-License-Identifier: MIT
#include <tickwire/byte_reader.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <tickwire/standard_types.hpp>

#include "ownership.hpp"
#include "place.hpp"

namespace tickwire {

namespace {

// Elements that take no bytes on the wire may take this much memory in all.
constexpr std::size_t kMaxEmptyBytes = 64 * 1024;
// What it counts to look at one tie among shared objects: bytes can ask for that again and again.
constexpr std::size_t kLookBytes = 4;

}  // namespace

namespace detail {

DecodeFailure::DecodeFailure(ErrorCode code_, std::size_t offset_, const std::string& reason)
    : Exception(reason), code(code_), offset(offset_) {}
DecodeFailure::~DecodeFailure() = default;

void fail_variant(ByteReader& reader, std::uint64_t index, std::size_t alternatives) {
  reader.fail(ErrorCode::malformed_object, "a variant of " + std::to_string(alternatives) +
                                               " types has no type number " +
                                               std::to_string(index));
}

void fail_base(ByteReader& reader) {
  reader.fail(ErrorCode::malformed_object, "a pointer is given an object of an unrelated class");
}

void fail_key_twice(ByteReader& reader) {
  reader.fail(ErrorCode::malformed_object, "a key is there twice");
}

void fail_key_late(ByteReader& reader) {
  reader.fail(ErrorCode::malformed_object, "a key puts something off, which only values can");
}

void fail_not_made(ByteReader& reader) {
  reader.fail(ErrorCode::malformed_object, "load_and_construct made no object");
}

}  // namespace detail

struct ByteReader::State {
  static constexpr std::size_t kNone = detail::SharedObject::kNone;

  struct Deferment {
    std::function<void(detail::Deferred)> run;
    std::size_t owner;  // the shared object that it is a part of
    std::uint32_t levels;
  };

  std::vector<detail::SharedObject> shared;
  detail::Ownership ownership;
  detail::Ownership::Moment settled;  // what there was by then has been looked at
  std::size_t current = kNone;        // the innermost shared object that is being read
  std::vector<Version> versions;
  std::set<detail::Place> bases;
  std::vector<std::string> polymorphic_names;
  std::vector<Deferment> deferments;
  std::size_t next_deferment = 0;
  std::uint32_t deferring = 0;           // calls of `serializeDeferments`, one inside the other
  const std::type_info* base = nullptr;  // what the next polymorphic pointer points to
  bool weak = false;                     // the next shared object is only pointed back to
  bool newer = false;                    // a newer version of the top-level type wrote these bytes
  std::size_t skipped_bytes = 0;
  std::size_t empty_bytes = 0;  // memory of elements that take no bytes on the wire
  ErrorCode failed = ErrorCode::none;
  std::string reason;
  std::size_t failed_at = 0;
};

void ByteReader::StateDeleter::operator()(State* state) const noexcept {
  delete state;
}

ByteReader::State& ByteReader::state() {
  if (!state_) state_.reset(new State);
  return *state_;
}

void ByteReader::fail(ErrorCode code, std::string_view reason) {
  State& failure = state();
  if (failure.failed == ErrorCode::none) {
    failure.failed_at = offset();
    cursor_ = end_;
    failure.reason = reason;
    failure.failed = code;
  }
  throw detail::DecodeFailure(failure.failed, failure.failed_at, failure.reason);
}

void ByteReader::fail_short(std::size_t bytes) {
  fail(ErrorCode::malformed_object, "the bytes end (needed: " + std::to_string(bytes) +
                                        ", left: " + std::to_string(remaining()) + ")");
}

void ByteReader::fail_run(std::span<const std::size_t> sizes) {
  auto cut = sizes.begin();
  for (; cut != sizes.end() - 1 && *cut <= remaining(); ++cut)
    cursor_ += *cut;
  fail_short(*cut);
}

void ByteReader::fail_bool(const std::byte* at) {
  cursor_ = at;
  fail(ErrorCode::malformed_object, "a bool is " + std::to_string(std::to_integer<unsigned>(*at)));
}

void ByteReader::fail_enum(const std::byte* at) {
  cursor_ = at;
  fail(ErrorCode::malformed_object, "an enumerator is out of its range");
}

void ByteReader::fail_budget() {
  fail(ErrorCode::budget_exceeded, "it would take more memory than a decode may");
}

void ByteReader::fail_depth() {
  fail(ErrorCode::budget_exceeded,
       "it is nested more than " + std::to_string(left_.max_depth) + " levels deep");
}

std::uint64_t ByteReader::read_long_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(*take(1));
    // No writer ends a number with a zero or makes one of more than 64 bits.
    if ((byte == 0 && shift != 0) || (shift == 63 && byte > 1)) break;
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  --cursor_;
  fail(ErrorCode::malformed_object, "a varint is not in its shortest form");
}

void ByteReader::admit_oversize(std::uint64_t count, const detail::ElementShape& shape) {
  const std::uint64_t least = std::max<std::uint64_t>(shape.wire_bytes, 1);
  if (shape.wire_bytes == 0) {
    std::size_t& taken = state().empty_bytes;
    if (count <= (kMaxEmptyBytes - taken) / shape.memory_bytes) {
      taken += static_cast<std::size_t>(count) * shape.memory_bytes;
      return;
    }
  }
  fail(ErrorCode::malformed_object,
       "a size of " + std::to_string(count) +
           " does not fit in the bytes that are left (for each: " + std::to_string(least) +
           ", left: " + std::to_string(remaining()) + ")");
}

// What a newer version has added is passed over at the end of all, and can be nowhere else.
void ByteReader::check_newer(std::uint64_t stored, std::uint32_t own) {
  if (stored <= own || (levels_ == 1 && (!state_ || state_->deferring == 0))) return;
  fail(ErrorCode::malformed_object, "an object inside it is of version " + std::to_string(stored) +
                                        ", newer than this program's version " +
                                        std::to_string(own));
}

std::uint32_t ByteReader::read_version(const std::type_info& type, std::uint32_t own) {
  const auto is_it = [&type](const Version& known) { return *known.type == type; };
  const auto first_end = versions_.begin() + version_count_;
  std::optional<std::uint32_t> known;
  if (const auto at = std::find_if(versions_.begin(), first_end, is_it); at != first_end) {
    known = at->stored;
  } else if (state_) {
    const auto& more = state_->versions;
    if (const auto late = std::find_if(more.begin(), more.end(), is_it); late != more.end())
      known = late->stored;
  }
  if (known) {
    check_newer(*known, own);
    return *known;
  }

  const std::uint64_t stored = read_varint();
  if (stored > 0xFFFFFFFFu) fail(ErrorCode::malformed_object, "a class version is out of range");
  check_newer(stored, own);
  if (stored > own) state().newer = true;
  const Version version{&type, static_cast<std::uint32_t>(stored)};
  if (version_count_ < versions_.size()) {
    versions_[version_count_++] = version;
  } else {
    state().versions.push_back(version);
  }
  return version.stored;
}

bool ByteReader::remember_base(const void* base, const std::type_info& type) {
  charge(sizeof(detail::Place) + detail::kNodeBytes);
  return state().bases.insert({base, &type}).second;
}

void ByteReader::registerPolymorphicName(std::uint32_t id, const std::string& name) {
  auto& names = state().polymorphic_names;
  if ((id & ~cereal::detail::msb_32bit) != names.size() + 1) {
    fail(ErrorCode::malformed_object, "the names of polymorphic types are out of order");
  }
  charge(name.size() + sizeof(name));
  names.push_back(name);
}

const std::string& ByteReader::getPolymorphicName(std::uint32_t id) {
  const std::size_t known = state_ ? state_->polymorphic_names.size() : 0;
  if (id == 0 || id > known) {
    fail(ErrorCode::malformed_object, "a polymorphic type is used before it is named");
  }
  return state_->polymorphic_names[id - 1];
}

void ByteReader::expect_base(const std::type_info& base, PolymorphicTypes accepted) {
  if (accepted == PolymorphicTypes::refuse && left_.polymorphic == PolymorphicTypes::refuse) {
    fail(ErrorCode::malformed_object,
         "it holds a pointer to a polymorphic type, which this program does not accept from the "
         "network (see DecodeLimits::polymorphic)");
  }
  state().base = &base;
}

const std::type_info* ByteReader::take_base() noexcept {
  return state_ ? std::exchange(state_->base, nullptr) : nullptr;
}

void ByteReader::expect_weak() {
  state().weak = true;
}

void ByteReader::expect_owner() noexcept {
  state_->weak = false;
}

void ByteReader::registerSharedPointer(std::uint32_t id, const std::shared_ptr<void>& object) {
  const Identity known = identity(id & ~cereal::detail::msb_32bit);
  if (!known.first) fail(ErrorCode::malformed_object, "a shared object is there twice");
  begin_shared(object, typeid(void));
  complete_shared(known.index, object);
}

std::shared_ptr<void> ByteReader::getSharedPointer(std::uint32_t id) {
  const Identity known = identity(id);
  if (known.null) return nullptr;
  if (known.first) fail(ErrorCode::malformed_object, "a shared object is used before it is there");
  return find_shared(known.index, typeid(void));
}

ByteReader::Identity ByteReader::identity(std::uint64_t id) {
  const std::size_t known = state_ ? state_->shared.size() : 0;
  if (id > known + 1) {
    fail(ErrorCode::malformed_object,
         "shared object " + std::to_string(id) + " is used before it is there");
  }
  return {static_cast<std::size_t>(id - 1), id == 0, id == known + 1};
}

void ByteReader::begin_shared(std::shared_ptr<void> object, const std::type_info& type) {
  State& known = state();
  const bool weak = std::exchange(known.weak, false);
  charge(sizeof(detail::SharedObject));
  known.shared.push_back(
      {std::move(object), &type, known.current, levels_, known.ownership.ties()});
  const std::size_t index = known.shared.size() - 1;
  if (!weak) tie_to_current(index);
  known.current = index;
}

void ByteReader::tie_to_current(std::size_t owned) {
  State& known = *state_;
  if (known.current == State::kNone) return;
  charge(detail::Ownership::kTieBytes);
  known.ownership.tie(known.current, owned, levels_ - known.shared[known.current].depth);
}

void ByteReader::make_shared_known(std::size_t index, std::shared_ptr<void> object) {
  state_->shared[index].object = std::move(object);
}

void ByteReader::complete_shared(std::size_t index, std::shared_ptr<void> object) {
  detail::SharedObject& shared = state_->shared[index];
  shared.object = std::move(object);
  shared.complete = true;
  state_->current = shared.outer;
  if (shared.owned_early) settle(index, shared.first_tie);
  if (shared.outer == State::kNone) return;
  detail::SharedObject& outer = state_->shared[shared.outer];
  // Of one that was complete before, something was put off: its height is settled at the end.
  if (!outer.complete) {
    outer.height = std::max(outer.height, shared.depth - outer.depth + shared.height);
  } else if (shared.first_tie < state_->settled.ties) {
    state_->settled = {};  // it was looked at before this one had its height
  }
}

const std::shared_ptr<void>& ByteReader::find_shared(std::size_t index,
                                                     const std::type_info& type) {
  const bool weak = std::exchange(state_->weak, false);
  detail::SharedObject& shared = state_->shared[index];
  if (*shared.type != type) {
    fail(ErrorCode::malformed_object,
         "shared object " + std::to_string(index + 1) + " is used as two types");
  }
  if (!shared.complete && shared.object == nullptr) {
    fail(ErrorCode::malformed_object,
         "shared object " + std::to_string(index + 1) + " is used before it is made");
  }
  if (weak) return shared.object;
  if (!shared.complete && left_.cycles == OwnershipCycles::refuse) {
    fail(ErrorCode::malformed_object,
         "shared object " + std::to_string(index + 1) + " owns itself (see DecodeLimits::cycles)");
  }
  // A chain of shared objects that is built back to front is flat to read and deep to destroy.
  if (shared.height > left_.max_depth - levels_) fail_depth();
  if (state_->current != State::kNone) {
    detail::SharedObject& outer = state_->shared[state_->current];
    if (!outer.complete)
      outer.height = std::max(outer.height, levels_ - outer.depth + shared.height);
    tie_to_current(index);
    shared.owned_early |= !shared.complete;
  }
  return shared.object;
}

// What a shared object owns began after it, but for what is tied to it later: so what came since
// one moment is mostly all that has to be looked at.
void ByteReader::settle(std::size_t first_object, std::size_t first_tie) {
  State& known = *state_;
  const detail::Ownership::Moment since{first_object, first_tie};
  const bool may_settle = known.ownership.may_settle(known.shared, since);
  const auto from = may_settle ? since : detail::Ownership::Moment();
  charge((known.ownership.ties() - from.ties) * kLookBytes);
  if (!known.ownership.settle(known.shared, left_.max_depth, from)) fail_depth();
  if (since.ties <= known.settled.ties)
    known.settled = {known.shared.size(), known.ownership.ties()};
}

void ByteReader::defer(std::function<void(detail::Deferred)> deferment) {
  charge(sizeof(State::Deferment) + sizeof(deferment));
  State& known = state();
  known.deferments.push_back({std::move(deferment), known.current, levels_});
}

void ByteReader::serializeDeferments() {
  if (!state_) return;
  State& known = *state_;
  const std::size_t first = known.next_deferment;
  if (first == known.deferments.size()) return;
  if (known.deferring >= left_.max_depth) fail_depth();
  ++known.deferring;
  const std::uint32_t levels = levels_;
  const std::size_t current = known.current;
  try {
    run_deferments(first);
  } catch (...) {
    // The last first: what one of them has put off lies in what it has read.
    for (std::size_t i = known.next_deferment; i > first; --i) {
      if (auto run = std::exchange(known.deferments[i - 1].run, nullptr))
        run(detail::Deferred::clear);
    }
    throw;
  }
  levels_ = levels;
  known.current = current;
  --known.deferring;
}

// What was put off ties together what has been read, in any way: a chain of shared objects may be
// flat to read and deep to destroy. How deep is known when all of it is there.
void ByteReader::run_deferments(std::size_t first) {
  State& known = *state_;
  while (known.next_deferment < known.deferments.size()) {
    // What the next one is to be read into may be gone by then.
    if (known.failed != ErrorCode::none) fail(known.failed, {});
    const std::size_t index = known.next_deferment++;
    // As deep as where it was put off, so that a chain of put-off pointers ends somewhere.
    levels_ = known.deferments[index].levels;
    known.current = known.deferments[index].owner;
    // A copy: more of them may come, and move that one.
    const auto run = known.deferments[index].run;
    run(detail::Deferred::read);
  }
  settle(known.settled.objects, known.settled.ties);
  for (std::size_t i = first; i < known.deferments.size(); ++i)
    known.deferments[i].run = nullptr;
}

void ByteReader::finish_slowly() {
  if (state_ && state_->failed != ErrorCode::none) fail(state_->failed, {});
  if (state_ && state_->newer && state_->next_deferment < state_->deferments.size()) {
    fail(ErrorCode::malformed_object,
         "it is of a newer version, and what it puts off lies behind what that has added");
  }
  serializeDeferments();
  if (state_ && state_->newer) {
    state_->skipped_bytes = remaining();
    cursor_ = end_;
  } else if (cursor_ != end_) {
    fail(ErrorCode::malformed_object,
         "bytes are left over at its end (" + std::to_string(remaining()) + ")");
  }
}

std::size_t ByteReader::count_deferments() const noexcept {
  return state_->deferments.size();
}

std::size_t ByteReader::count_skipped_bytes() const noexcept {
  return state_->skipped_bytes;
}

}  // namespace tickwire
