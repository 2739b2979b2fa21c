// SPDX-License-Identifier: MIT
#include "lib/transport/enet/datagram_batch.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lib/platform/socket_errno.hpp"

namespace tickwire::detail {
namespace {

/// Datagrams that go in one call: all have the same size, but the last one may be shorter.
struct Run {
  std::span<const std::byte> bytes;
  std::size_t segment_bytes = 0;

  [[nodiscard]] bool is_single() const noexcept { return bytes.size() <= segment_bytes; }
};

template <class T>
std::span<const T> take_front(std::span<const T>& from, std::size_t count) {
  return std::exchange(from, from.subspan(count)).first(count);
}

// Takes the longest one from the front of both.
Run take_run(std::span<const std::uint16_t>& sizes, std::span<const std::byte>& bytes) {
  const std::size_t segment_bytes = sizes.front();
  std::size_t count = 0;
  std::size_t total = 0;
  for (std::size_t last = segment_bytes; count < sizes.size() && last == segment_bytes; ++count) {
    if (sizes[count] > segment_bytes) break;
    last = sizes[count];
    total += last;
  }
  sizes = sizes.subspan(count);
  return {take_front(bytes, total), segment_bytes};
}

// Behind one that the system has no room for, the others are as good as lost on their way.
DatagramBatch::Sent send_each(SocketHandle socket, Ipv4Endpoint to, Run run) {
  DatagramBatch::Sent sent{.only_one_by_one = true};
  while (!run.bytes.empty()) {
    const auto datagram = take_front(run.bytes, std::min(run.segment_bytes, run.bytes.size()));
    const IoStatus alone = send_segmented(socket, to, datagram, datagram.size()).status;
    if (alone == IoStatus::done) continue;
    sent.only_one_by_one = false;
    if (alone == IoStatus::blocked) break;
    ++sent.failures;
  }
  return sent;
}

}  // namespace

std::span<std::byte> DatagramBatch::add(std::size_t bytes) noexcept {
  const std::size_t before = count_ == 0 ? 0 : sizes_[count_ - 1];
  const bool is_little_smaller = bytes < before && before - bytes <= before / 8;
  const std::size_t size = is_little_smaller ? before : bytes;
  assert(has_room(size) && bytes != 0);
  const std::span room(memory_.get() + used_bytes_, size);
  std::ranges::fill(room.subspan(bytes), std::byte{0});
  sizes_[count_++] = static_cast<std::uint16_t>(size);
  used_bytes_ += size;
  return room;
}

DatagramBatch::Sent DatagramBatch::send(SocketHandle socket, Ipv4Endpoint to) noexcept {
  Sent sent;
  std::span<const std::uint16_t> sizes(sizes_.data(), count_);
  std::span<const std::byte> bytes(memory_.get(), used_bytes_);
  while (!sizes.empty()) {
    const Run run = take_run(sizes, bytes);
    const IoResult together = send_segmented(socket, to, run.bytes, run.segment_bytes);
    if (together.status == IoStatus::done) continue;
    const bool has_failed = together.status == IoStatus::failed;
    if (run.is_single()) {
      sent.failures += has_failed ? 1 : 0;
      continue;
    }
    const Sent each = send_each(socket, to, run);
    sent.failures += each.failures;
    // Without memory for so much at once there may be some the next time.
    const bool is_for_good = has_failed && !is_out_of_resources(together.system_code);
    if (is_for_good && each.only_one_by_one) sent.only_one_by_one = true;
  }
  count_ = used_bytes_ = 0;
  return sent;
}

}  // namespace tickwire::detail
