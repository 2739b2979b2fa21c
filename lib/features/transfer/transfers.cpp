// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <new>

#include <tickwire/transfer.hpp>

#include "lib/features/transfer/core.hpp"

namespace tickwire {
namespace {

// Each part with its length, so that no two different ones look alike together.
std::string key_of(std::string_view name, std::uint64_t size_bytes, std::string_view mark) {
  std::vector<std::byte> text;
  const auto add = [&](std::string_view part) {
    std::byte length[8];
    static_cast<void>(detail::store_numbers(length, static_cast<std::uint64_t>(part.size())));
    text.insert(text.end(), std::begin(length), std::end(length));
    const auto* const begin = reinterpret_cast<const std::byte*>(part.data());
    text.insert(text.end(), begin, begin + part.size());
  };
  add(name);
  add(std::to_string(size_bytes));
  add(mark);
  const auto sum = crypto::sha256(text);
  return {reinterpret_cast<const char*>(sum.data()), sum.size()};
}

}  // namespace

Transfers::Transfers(const TransferOptions& options)
    : core_(std::make_unique<detail::TransferCore>(options)) {}
Transfers::~Transfers() {
  detach();
}

Result<TransferId> Transfers::offer_file(Connection connection, const std::filesystem::path& path,
                                         const OfferOptions& options) try {
  auto file = detail::File::open_to_read(path);
  if (!file) return file.error();
  const auto stamp = file->stamp();
  if (!stamp) return stamp.error();
  const std::string name = path.filename().string();
  const std::string mark =
      options.key.empty() ? std::to_string(stamp->facts.modified_ns) : "key " + options.key;
  const std::uint64_t size = stamp->facts.size_bytes;
  return core_->offer(connection, name, detail::TransferSource(std::move(*file), *stamp),
                      {key_of(name, size, mark), size}, path, options);
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<TransferId> Transfers::offer_memory(Connection connection,
                                           std::shared_ptr<const std::vector<std::byte>> bytes,
                                           std::string_view name, const OfferOptions& options) try {
  if (!bytes) return Error{ErrorCode::invalid_argument, 0, "There are no bytes."};
  const std::uint64_t size = bytes->size();
  return core_->offer(connection, std::string(name), detail::TransferSource(std::move(bytes)),
                      {key_of(name, size, "key " + options.key), size}, {}, options);
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<void> Transfers::accept(TransferId id, const std::filesystem::path& target,
                               WhenThere when_there) {
  const auto task = core_->acceptable(id);
  if (!task) return task.error();
  return (*task)->accept(target, when_there);
}

Result<std::filesystem::path> Transfers::accept_into_folder(TransferId id,
                                                            const std::filesystem::path& folder,
                                                            WhenThere when_there) {
  const auto task = core_->acceptable(id);
  if (!task) return task.error();
  // The name is safe since it came: it adds one step to the folder, and no other.
  const auto accepted = (*task)->accept(folder / (*task)->info().name, when_there);
  if (!accepted) return accepted.error();
  return (*task)->info().path;
}

Result<void> Transfers::accept_to_memory(TransferId id, std::size_t limit_bytes) {
  const auto task = core_->acceptable(id);
  if (!task) return task.error();
  return (*task)->accept_to_memory(limit_bytes);
}

Result<std::vector<std::byte>> Transfers::take_bytes(TransferId id) {
  return core_->take_bytes(id);
}

ErrorCode Transfers::refuse(TransferId id, std::string_view reason) {
  return core_->refuse(id, reason);
}

ErrorCode Transfers::cancel(TransferId id, std::string_view reason) {
  return core_->cancel(id, reason);
}

std::optional<TransferInfo> Transfers::info(TransferId id) const {
  return core_->info(id);
}

std::vector<TransferInfo> Transfers::all() const {
  return core_->all();
}

TransferCounters Transfers::counters() const {
  return core_->counters();
}

void Transfers::on_attach(Host& host) {
  core_->attach(host);
}

void Transfers::on_detach(Host&) {
  core_->detach();
}

Disposition Transfers::on_event(Host&, Event& event) {
  return core_->on_event(event);
}

void Transfers::on_pass(Host&) {
  core_->on_pass();
}

TimePoint Transfers::wake_at() const {
  return core_->wake_at();
}

}  // namespace tickwire
