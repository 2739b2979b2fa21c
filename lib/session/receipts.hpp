// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <tickwire/connection.hpp>
#include <tickwire/event.hpp>

#include "lib/base/ring_queue.hpp"

namespace tickwire::detail {

/// Message ids in the order of sending, as runs of consecutive ones: a flow to one connection is a
/// single run, however long.
class IdRuns {
 public:
  /// What they take.
  [[nodiscard]] std::size_t bytes() const noexcept { return runs_.size() * sizeof(Run); }
  /// The next `push` needs no memory.
  void reserve_run() { runs_.reserve(runs_.size() + 1); }

  void push(MessageId first, std::uint64_t count = 1) {
    if (count == 0) return;
    if (!runs_.empty() && runs_.back().first + runs_.back().count == first) {
      runs_.back().count += count;
    } else {
      runs_.push_back({first, count});
    }
  }

  /// Puts another id in the place of the one at `index`, which it returns. Pre: there is one.
  [[nodiscard]] MessageId replace(std::uint64_t index, MessageId id) {
    IdRuns changed;
    MessageId replaced = 0;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const Run& run = runs_[i];
      if (index >= run.count) {
        index -= run.count;
        changed.push(run.first, run.count);
        continue;
      }
      replaced = run.first + index;
      changed.push(run.first, index);
      changed.push(id, 1);
      changed.push(replaced + 1, run.count - index - 1);
      index = ~std::uint64_t{0};  // the rest stays: no run is that long
    }
    *this = std::move(changed);
    return replaced;
  }

  /// Takes up to `count` from the front and calls `take(first, count)` for each run.
  template <class F>
  void pop(std::uint64_t count, F&& take) {
    while (count > 0 && !runs_.empty()) {
      Run& run = runs_.front();
      const std::uint64_t taken = run.count < count ? run.count : count;
      take(run.first, taken);
      count -= taken;
      run.first += taken;
      run.count -= taken;
      if (run.count == 0) static_cast<void>(runs_.take_front());
    }
  }

 private:
  struct Run {
    MessageId first = 0;
    std::uint64_t count = 0;
  };
  RingQueue<Run> runs_;
};

/// Receipts that wait to become events, as ranges.
class ReceiptQueue {
 public:
  /// The next `add` needs no memory.
  void reserve_range() { ranges_.reserve(ranges_.size() + 1); }

  void add(MessageId first, std::uint64_t count, std::uint8_t channel, Receipt receipt) {
    if (!ranges_.empty()) {
      Range& last = ranges_.back();
      if (last.first + last.count == first && last.channel == channel && last.receipt == receipt) {
        last.count += count;
        return;
      }
    }
    ranges_.push_back({first, count, channel, receipt});
  }
  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  /// Makes a fresh event of the first. Pre: not empty.
  void take(Event& into) {
    Range& range = ranges_.front();
    into.type = EventType::data_sent;
    into.message_id = range.first++;
    into.channel = range.channel;
    into.receipt = range.receipt;
    if (--range.count == 0) static_cast<void>(ranges_.take_front());
  }

 private:
  struct Range {
    MessageId first = 0;
    std::uint64_t count = 0;
    std::uint8_t channel = 0;
    Receipt receipt = Receipt::none;
  };
  RingQueue<Range> ranges_;
};

}  // namespace tickwire::detail
