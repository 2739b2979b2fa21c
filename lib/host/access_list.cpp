// SPDX-License-Identifier: MIT
#include <tickwire/access_list.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "lib/host/access_file.hpp"
#include "lib/host/access_table.hpp"
#include "lib/platform/random.hpp"
#include "lib/platform/replace_file.hpp"

namespace tickwire {

using detail::AccessChanges;
using detail::AccessFile;
using detail::AccessTable;
using detail::IpAddress;
using detail::IpNetwork;
using detail::kForEver;
using detail::WallTime;

namespace {

constexpr std::string_view kMemory = "memory://";
// While changes come without a pause, the file is written this often.
constexpr auto kWritePause = std::chrono::seconds(1);
constexpr std::size_t kFirstPrune = 1024;

detail::SipHash::Key random_key() {
  detail::SipHash::Key key{};
  // Without random numbers a caller could choose its place in the table, and no more than that.
  static_cast<void>(detail::fill_random(key));
  return key;
}

}  // namespace

class AccessList::Core {
 public:
  explicit Core(AccessListOptions options) : options_(std::move(options)) {}
  ~Core();

  Result<void> refuse(std::string_view network, WallTime until);
  Result<bool> remove(std::string_view network);
  [[nodiscard]] bool refuses(std::string_view host, std::string_view scheme) const;
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] std::size_t size() const;
  Result<void> reload();
  Result<void> save();
  [[nodiscard]] WallTime now() const {
    return options_.now ? options_.now() : std::chrono::system_clock::now();
  }

 private:
  using Names = std::map<std::string, WallTime, std::less<>>;

  [[nodiscard]] Result<void> make_room(bool is_known);
  void note(const IpNetwork& network, std::optional<WallTime> change);
  void write_changes(const std::stop_token& stop);

  const AccessListOptions options_;
  mutable std::shared_mutex mutex_;
  AccessTable table_{random_key()};
  Names names_;
  AccessChanges unsaved_;  // what the file does not have yet
  std::size_t prune_at_ = kFirstPrune;
  std::mutex file_mutex_;  // taken first of the two
  std::condition_variable_any changed_;
  bool has_news_ = false;  // for the writer
  std::jthread writer_;    // since the first change
};

AccessList::Core::~Core() {
  writer_ = {};
  if (!unsaved_.empty()) static_cast<void>(save());
}

// Under the mutex.
Result<void> AccessList::Core::make_room(bool is_known) {
  if (is_known) return {};
  const auto count = [&] { return table_.size() + names_.size(); };
  if (count() >= std::min(prune_at_, options_.max_entries)) {
    const WallTime moment = now();
    table_.prune(moment);
    std::erase_if(names_, [&](const auto& entry) { return entry.second <= moment; });
    prune_at_ = std::max(kFirstPrune, 2 * count());
  }
  if (count() < options_.max_entries && unsaved_.size() < options_.max_entries) return {};
  return Error{ErrorCode::out_of_resources, 0,
               "The access list is full: AccessListOptions::max_entries is " +
                   std::to_string(options_.max_entries) + "."};
}

// Under the mutex.
void AccessList::Core::note(const IpNetwork& network, std::optional<WallTime> change) {
  if (options_.file.empty()) return;
  unsaved_.insert_or_assign(network, change);
  has_news_ = true;
  if (!writer_.joinable()) {
    writer_ = std::jthread([this](const std::stop_token& stop) { write_changes(stop); });
  }
  changed_.notify_one();
}

Result<void> AccessList::Core::refuse(std::string_view text, WallTime until) {
  if (text.starts_with(kMemory)) {
    const std::string_view name = text.substr(kMemory.size());
    const std::unique_lock lock(mutex_);
    if (auto room = make_room(names_.contains(name)); !room) return room;
    names_.insert_or_assign(std::string(name), until);
    return {};
  }
  auto network = IpNetwork::parse(text);
  if (!network) return std::move(network).error();
  const std::unique_lock lock(mutex_);
  if (auto room = make_room(table_.has(*network)); !room) return room;
  table_.put(*network, until);
  note(*network, until);
  return {};
}

Result<bool> AccessList::Core::remove(std::string_view text) {
  if (text.starts_with(kMemory)) {
    const std::unique_lock lock(mutex_);
    const auto found = names_.find(text.substr(kMemory.size()));
    if (found == names_.end()) return false;
    names_.erase(found);
    return true;
  }
  auto network = IpNetwork::parse(text);
  if (!network) return std::move(network).error();
  const std::unique_lock lock(mutex_);
  if (!table_.erase(*network)) return false;
  note(*network, std::nullopt);
  return true;
}

bool AccessList::Core::refuses(std::string_view host, std::string_view scheme) const {
  if (scheme == "memory") {
    const std::shared_lock lock(mutex_);
    const auto found = names_.find(host);
    return found != names_.end() && found->second > now();
  }
  const auto address = IpAddress::parse(host);
  if (!address) return false;
  const std::shared_lock lock(mutex_);
  return table_.size() > 0 && table_.covers(*address, now());
}

std::vector<AccessList::Entry> AccessList::Core::entries() const {
  std::vector<Entry> all;
  const WallTime moment = now();
  const auto add = [&](std::string text, WallTime until) {
    if (until <= moment) return;
    all.push_back({std::move(text), until == kForEver ? std::optional<Time>() : until});
  };
  const std::shared_lock lock(mutex_);
  all.reserve(table_.size() + names_.size());
  table_.for_each(
      [&](const IpNetwork& network, WallTime until) { add(network.to_string(), until); });
  for (const auto& [name, until] : names_)
    add(std::string(kMemory) + name, until);
  return all;
}

std::size_t AccessList::Core::size() const {
  const std::shared_lock lock(mutex_);
  return table_.size() + names_.size();
}

Result<void> AccessList::Core::reload() {
  if (options_.file.empty()) {
    return Error{ErrorCode::not_supported, 0, "This access list has no file."};
  }
  const std::lock_guard file_lock(file_mutex_);
  auto file = AccessFile::read(options_.file, options_.max_entries);
  if (!file) return std::move(file).error();
  AccessTable fresh(random_key());
  std::map<IpNetwork, WallTime> latest;  // where two lines name the same, the longer one holds
  for (const AccessFile::Line& line : file->lines()) {
    if (!line.network) continue;
    const auto [place, is_new] = latest.try_emplace(*line.network, line.until);
    if (!is_new) place->second = std::max(place->second, line.until);
  }
  const WallTime moment = now();
  for (const auto& [network, until] : latest)
    if (until > moment) fresh.put(network, until);
  const std::unique_lock lock(mutex_);
  for (const auto& [network, change] : unsaved_) {
    if (change) {
      fresh.put(network, *change);
    } else {
      fresh.erase(network);
    }
  }
  std::swap(table_, fresh);
  return {};
}

Result<void> AccessList::Core::save() {
  if (options_.file.empty()) {
    return Error{ErrorCode::not_supported, 0, "This access list has no file."};
  }
  const std::lock_guard file_lock(file_mutex_);
  AccessChanges changes;
  {
    const std::shared_lock lock(mutex_);
    changes = unsaved_;
  }
  if (changes.empty()) return {};
  // What others have written meanwhile stays; what makes no sense is theirs to mend first. Their
  // lines and ours together may be more than `max_entries`, which is no reason to lose any.
  auto file = AccessFile::read(options_.file, static_cast<std::size_t>(-1));
  if (!file) return std::move(file).error();
  file->apply(changes, now());
  if (const int number = detail::replace_file(options_.file, file->text()); number != 0) {
    return Error{ErrorCode::file_unwritable, number,
                 "The access list " + options_.file +
                     " cannot be written: " + std::generic_category().message(number) + "."};
  }
  const std::unique_lock lock(mutex_);
  std::erase_if(unsaved_, [&](const auto& entry) {
    const auto saved = changes.find(entry.first);
    return saved != changes.end() && saved->second == entry.second;
  });
  return {};
}

void AccessList::Core::write_changes(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return has_news_; })) {
    has_news_ = false;
    lock.unlock();
    static_cast<void>(save());  // a failure is told by the next call of it
    lock.lock();
    changed_.wait_for(lock, stop, kWritePause, [] { return false; });
  }
}

AccessList::AccessList(std::unique_ptr<Core> core) noexcept : core_(std::move(core)) {}
AccessList::~AccessList() = default;

Result<std::shared_ptr<AccessList>> AccessList::open(AccessListOptions options) {
  const bool has_file = !options.file.empty();
  std::shared_ptr<AccessList> list(new AccessList(std::make_unique<Core>(std::move(options))));
  if (has_file) {
    if (auto loaded = list->reload(); !loaded) return loaded.error();
  }
  return list;
}

Result<void> AccessList::refuse(std::string_view network, std::optional<Time> until) {
  return core_->refuse(network, until.value_or(kForEver));
}

Result<void> AccessList::refuse_for(std::string_view network, Duration time) {
  const WallTime moment = core_->now();
  return core_->refuse(network, time > kForEver - moment ? kForEver : moment + time);
}

Result<bool> AccessList::remove(std::string_view network) {
  return core_->remove(network);
}
bool AccessList::refuses(std::string_view host, std::string_view scheme) const {
  return core_->refuses(host, scheme);
}
std::vector<AccessList::Entry> AccessList::entries() const {
  return core_->entries();
}
std::size_t AccessList::size() const {
  return core_->size();
}
Result<void> AccessList::reload() {
  return core_->reload();
}
Result<void> AccessList::save() {
  return core_->save();
}

}  // namespace tickwire
