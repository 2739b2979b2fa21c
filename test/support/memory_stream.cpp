// SPDX-License-Identifier: MIT
#include "test/support/memory_stream.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace tickwire::test {
namespace {

using namespace detail;

class MemoryStream final : public ByteStream {
 public:
  MemoryStream(std::shared_ptr<MemoryPipe> in, std::shared_ptr<MemoryPipe> out)
      : in_(std::move(in)), out_(std::move(out)) {}
  ~MemoryStream() override {
    out_->ended = true;
    in_->cut = true;
  }

  [[nodiscard]] IoStatus handshake() override { return IoStatus::done; }

  [[nodiscard]] IoResult read(std::span<std::byte> first, std::span<std::byte> second) override {
    ++in_->attempts_to_read;
    std::size_t total = 0;
    for (const auto piece : {first, second}) {
      const std::size_t count =
          std::min({piece.size(), in_->bytes.size(), in_->most_per_read - total});
      std::copy_n(in_->bytes.begin(), count, piece.begin());
      in_->bytes.erase(in_->bytes.begin(), in_->bytes.begin() + static_cast<std::ptrdiff_t>(count));
      total += count;
    }
    if (total > 0) {
      ++in_->reads;
      return {IoStatus::done, total};
    }
    if (!in_->bytes.empty()) return blocked(Awaits::readable);
    if (in_->ended) return {IoStatus::ended, 0};
    return in_->cut ? IoResult{IoStatus::failed, 0} : blocked(Awaits::readable);
  }

  [[nodiscard]] IoResult write(std::span<const std::span<const std::byte>> pieces) override {
    if (out_->cut) return {IoStatus::failed, 0};
    const std::size_t held = out_->bytes.size();
    std::size_t room = out_->capacity_bytes > held ? out_->capacity_bytes - held : 0;
    room = std::min(room, out_->most_per_write);
    std::size_t total = 0;
    for (const auto piece : pieces) {
      const std::size_t count = std::min(piece.size(), room - total);
      out_->bytes.insert(out_->bytes.end(), piece.begin(),
                         piece.begin() + static_cast<std::ptrdiff_t>(count));
      total += count;
    }
    if (total == 0) return blocked(Awaits::writable);
    ++out_->writes;
    out_->total_bytes += total;
    return {IoStatus::done, total};
  }

  [[nodiscard]] IoStatus shut_down() override {
    out_->ended = true;
    return IoStatus::done;
  }

  [[nodiscard]] Awaits awaits() const noexcept override { return awaits_; }
  [[nodiscard]] bool has_buffered_input() const noexcept override { return false; }
  [[nodiscard]] Error failure() const override {
    return {ErrorCode::connection_reset, 104, "the memory stream was cut"};
  }
  [[nodiscard]] std::string verified_subject() const override { return {}; }

 private:
  IoResult blocked(Awaits awaits) {
    awaits_ = awaits;
    return {IoStatus::blocked, 0};
  }

  std::shared_ptr<MemoryPipe> in_;
  std::shared_ptr<MemoryPipe> out_;
  Awaits awaits_ = Awaits::readable;
};

}  // namespace

void MemoryStreams::cut() {
  to_left->cut = true;
  to_right->cut = true;
}

MemoryStreams make_memory_streams() {
  MemoryStreams streams;
  streams.to_left = std::make_shared<MemoryPipe>();
  streams.to_right = std::make_shared<MemoryPipe>();
  streams.left = std::make_unique<MemoryStream>(streams.to_left, streams.to_right);
  streams.right = std::make_unique<MemoryStream>(streams.to_right, streams.to_left);
  return streams;
}

}  // namespace tickwire::test
