// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace tickwire::detail {

/// How many connections each address has: from the moment they are accepted, whatever becomes of
/// them.
///
/// Thread: the host's.
class AddressCensus {
  using Counts = std::unordered_map<std::string, std::size_t>;

 public:
  /// One that is counted, until this is destroyed.
  ///
  /// Lifetime: ends before its census does.
  class Place {
   public:
    Place() noexcept = default;
    Place(Place&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), entry_(other.entry_) {}
    Place& operator=(Place&& other) noexcept {
      leave();
      counts_ = std::exchange(other.counts_, nullptr);
      entry_ = other.entry_;
      return *this;
    }
    ~Place() { leave(); }

   private:
    friend class AddressCensus;
    void leave() noexcept {
      Counts* const counts = std::exchange(counts_, nullptr);
      if (counts != nullptr && --entry_->second == 0) counts->erase(entry_);
    }
    Place(Counts& counts, Counts::iterator entry) noexcept : counts_(&counts), entry_(entry) {
      ++entry_->second;
    }

    Counts* counts_ = nullptr;
    Counts::iterator entry_{};
  };

  AddressCensus() = default;
  AddressCensus(const AddressCensus&) = delete;
  AddressCensus& operator=(const AddressCensus&) = delete;

  /// Nothing when the address has as many as it may.
  [[nodiscard]] std::optional<Place> enter(const std::string& host, std::size_t most) {
    const auto entry = counts_.try_emplace(host, 0).first;
    if (entry->second < most) return Place(counts_, entry);
    if (entry->second == 0) counts_.erase(entry);
    return std::nullopt;
  }
  [[nodiscard]] std::size_t addresses() const noexcept { return counts_.size(); }

 private:
  Counts counts_;
};

}  // namespace tickwire::detail
