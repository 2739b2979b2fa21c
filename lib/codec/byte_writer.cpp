// SPDX-License-Identifier: MIT
#include <tickwire/byte_writer.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "place.hpp"

namespace tickwire {

namespace detail {

bool VectorSink::grow(std::size_t least_capacity) {
  bytes_->resize(
      std::max(least_capacity, std::max(capacity_ + capacity_ / 2, capacity_ + kFirstRoom)));
  data_ = bytes_->data();
  capacity_ = bytes_->size();
  return true;
}

SinkFull::SinkFull() : Exception("the sink takes no more bytes") {}
SinkFull::~SinkFull() = default;

}  // namespace detail

struct ByteWriter::State {
  std::map<detail::Place, std::uint32_t> ids;
  // Keeps written objects alive, so that no later one gets the address of a temporary.
  std::vector<std::shared_ptr<const void>> objects;
  std::vector<const std::type_info*> versions;
  std::set<detail::Place> bases;
  std::vector<std::string_view> polymorphic_names;
  std::vector<std::function<void()>> deferments;
  std::size_t next_deferment = 0;
  bool is_full = false;
};

void ByteWriter::StateDeleter::operator()(State* state) const noexcept {
  delete state;
}

ByteWriter::State& ByteWriter::state() {
  if (!state_) state_.reset(new State);
  return *state_;
}

void ByteWriter::make_room(std::size_t bytes) {
  // The sink keeps what it counts as its own, and counts what was written only at the end.
  struct Lent {
    std::size_t& size;
    std::size_t before;
    ~Lent() { size = before; }
  };
  const std::size_t used = static_cast<std::size_t>(cursor_ - sink_->data_);
  const Lent lent{sink_->size_, std::exchange(sink_->size_, used)};
  if (!sink_->grow(used + bytes)) {
    state().is_full = true;  // also where nobody lets the exception out
    throw detail::SinkFull();
  }
  cursor_ = sink_->data_ + used;
  end_ = sink_->data_ + sink_->capacity_;
}

void ByteWriter::write_long_varint(std::uint64_t number) {
  for (; number >= 0x80; number >>= 7)
    write(static_cast<std::uint8_t>(number | 0x80));
  write(static_cast<std::uint8_t>(number));
}

ByteWriter::Identity ByteWriter::identify(const std::shared_ptr<const void>& object,
                                          const std::type_info& type) {
  if (object == nullptr) return {};
  State& known = state();
  const auto next = static_cast<std::uint32_t>(known.ids.size() + 1);
  const auto [entry, first] = known.ids.try_emplace({object.get(), &type}, next);
  if (first) known.objects.push_back(object);
  return {entry->second, first};
}

std::uint32_t ByteWriter::registerSharedPointer(const std::shared_ptr<const void>& object) {
  const Identity identity = identify(object, typeid(void));
  return identity.first ? identity.id | cereal::detail::msb_32bit : identity.id;
}

std::uint32_t ByteWriter::registerPolymorphicType(const char* name) {
  auto& names = state().polymorphic_names;
  const auto known = std::find(names.begin(), names.end(), name);
  const auto id = static_cast<std::uint32_t>(known - names.begin()) + 1;
  if (known != names.end()) return id;
  names.emplace_back(name);
  return id | cereal::detail::msb_32bit;
}

bool ByteWriter::remember_version(const std::type_info& type) {
  const auto same = [&type](const std::type_info* other) { return *other == type; };
  const auto first_end = versions_.begin() + version_count_;
  if (std::any_of(versions_.begin(), first_end, same)) return false;
  if (version_count_ < versions_.size()) {
    versions_[version_count_++] = &type;
    return true;
  }
  auto& further = state().versions;
  if (std::any_of(further.begin(), further.end(), same)) return false;
  further.push_back(&type);
  return true;
}

bool ByteWriter::remember_base(const void* base, const std::type_info& type) {
  return state().bases.insert({base, &type}).second;
}

void ByteWriter::defer(std::function<void()> deferment) {
  state().deferments.push_back(std::move(deferment));
}

void ByteWriter::write_deferred() {
  if (state_->is_full) throw detail::SinkFull();
  // What runs may put off more, which moves the vector.
  while (state_->next_deferment < state_->deferments.size()) {
    std::exchange(state_->deferments[state_->next_deferment++], nullptr)();
  }
}

}  // namespace tickwire
