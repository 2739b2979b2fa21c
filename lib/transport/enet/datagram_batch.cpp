// SPDX-License-Identifier: MIT
#include "lib/transport/enet/datagram_batch.hpp"

#include <cassert>
#include <utility>

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

// Returns how many the system refused, of which it counts no more than so many.
std::size_t send_each(SocketHandle socket, Ipv4Endpoint to, Run run, std::size_t most) {
  std::size_t refused = 0;
  while (!run.bytes.empty() && refused < most) {
    const auto datagram = take_front(run.bytes, std::min(run.segment_bytes, run.bytes.size()));
    const auto sent = send_segmented(socket, to, datagram, datagram.size());
    if (sent.status == IoStatus::failed) ++refused;
  }
  return refused;
}

}  // namespace

std::span<std::byte> DatagramBatch::add(std::size_t bytes) noexcept {
  assert(has_room(bytes) && bytes != 0);
  const std::span room(memory_.get() + used_bytes_, bytes);
  sizes_[count_++] = static_cast<std::uint16_t>(bytes);
  used_bytes_ += bytes;
  return room;
}

DatagramBatch::Sent DatagramBatch::send(SocketHandle socket, Ipv4Endpoint to,
                                        std::size_t max_failures) noexcept {
  Sent sent;
  std::span<const std::uint16_t> sizes(sizes_.data(), count_);
  std::span<const std::byte> bytes(memory_.get(), used_bytes_);
  while (!sizes.empty() && sent.failures < max_failures) {
    const Run run = take_run(sizes, bytes);
    const IoStatus together = send_segmented(socket, to, run.bytes, run.segment_bytes).status;
    if (together == IoStatus::done) continue;
    if (run.is_single()) {
      sent.failures += together == IoStatus::failed ? 1 : 0;
      continue;
    }
    const std::size_t refused = send_each(socket, to, run, max_failures - sent.failures);
    sent.failures += refused;
    if (together == IoStatus::failed && refused == 0) sent.only_one_by_one = true;
  }
  count_ = used_bytes_ = 0;
  return sent;
}

}  // namespace tickwire::detail
