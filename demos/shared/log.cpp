// SPDX-License-Identifier: MIT
#include "demos/shared/log.hpp"

#include <utility>

namespace demo {

void Log::write(std::string_view line) {
  waiting_.emplace_back(line) += '\n';
  waiting_bytes_ += waiting_.back().size();
  flush();
  leave_out();
}

// A line that was begun is finished.
void Log::leave_out() {
  const std::size_t first = written_bytes_ > 0 ? 1 : 0;
  while (waiting_bytes_ > most_waiting_bytes && waiting_.size() > first) {
    const auto oldest = waiting_.begin() + static_cast<std::ptrdiff_t>(first);
    waiting_bytes_ -= oldest->size();
    waiting_.erase(oldest);
    ++left_out_;
  }
}

void Log::flush() {
  while (left_out_ > 0 || !waiting_.empty()) {
    if (written_bytes_ == 0 && left_out_ > 0) {
      if (!write_notice()) return;
    } else {
      const std::string_view rest = std::string_view(waiting_.front()).substr(written_bytes_);
      const std::size_t written = stream_.write(rest);
      if (written == 0) return;
      written_bytes_ += written;
    }
    if (written_bytes_ < waiting_.front().size()) continue;
    waiting_bytes_ -= waiting_.front().size();
    waiting_.pop_front();
    written_bytes_ = 0;
  }
}

// Once it is begun it is a line like any other.
bool Log::write_notice() {
  std::string notice = "(nobody read on; lines left out: " + std::to_string(left_out_) + ")\n";
  written_bytes_ = stream_.write(notice);
  if (written_bytes_ == 0) return false;
  left_out_ = 0;
  waiting_bytes_ += notice.size();
  waiting_.push_front(std::move(notice));
  return true;
}

}  // namespace demo
