// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "lib/base/bytes.hpp"
#include "lib/transport/stream/stream_connection.hpp"

/// What a connection sends: how much it lets in, and when it is written.
namespace tickwire::detail {
namespace {

// What may wait here for the kernel, where the budget allows as much, and from where on a write is
// worth its system call even before the pass ends.
struct WriteSizes {
  std::size_t queue;
  std::size_t write;
};
// A fast way takes it at once, and the larger the writes are, the seldomer the other end is woken.
constexpr WriteSizes kPlainSizes{1024 * 1024, 768 * 1024};
// What is encrypted byte by byte had better be in the cache still.
constexpr WriteSizes kTlsSizes{192 * 1024, 128 * 1024};
constexpr const WriteSizes& sizes_for(Security security) noexcept {
  return security == Security::plain ? kPlainSizes : kTlsSizes;
}
// How soon room is looked for again where the budget is used up, which no socket tells: soon on a
// fast way, which has room at once, and then at most this rarely.
constexpr Duration kShortestLook = std::chrono::microseconds(200);
constexpr Duration kLongestLook = std::chrono::milliseconds(5);
// For one who takes nothing at all: an eighth of the time since he did, up to this.
constexpr Duration kLongestIdleLook = std::chrono::milliseconds(100);
// A raw stream has nothing but the socket to hold the other end back, and programs that mean it
// stand still for longer than a connection may be silent: as long as a dead peer is looked after.
constexpr Duration kRawPatience = std::chrono::seconds(70);
constexpr std::size_t kUnaskedBytes = 512 * 1024;

}  // namespace

// Datagrams are let in above the budget, by half of it: room comes in steps, as the other end's
// system acknowledges, and what is late is dropped for it. So is what is owed, which data must not
// starve.
std::size_t StreamConnection::capacity_bytes(Lane lane) noexcept {
  if (phase_ != Phase::up || write_failure_) return 0;
  const std::size_t most_in_queue = sizes_for(shared_.options.security).queue;
  if (queue_.bytes() >= most_in_queue) {
    budget_.note_full();
    told_full_ = true;
    return 0;
  }
  const std::size_t in_queue = most_in_queue - queue_.bytes();
  if (!budget_.has_limit()) return in_queue;
  const std::size_t extra = lane == Lane::reliable ? 0 : budget_.bytes() / 2;
  const std::size_t most = budget_.bytes() + extra;
  if (waiting_bytes() >= most) {
    budget_.note_full();
    told_full_ = true;
    static_cast<void>(look_at_backlog());
  }
  return std::min(in_queue, most - std::min(most, waiting_bytes()));
}

// Of what was written since the system was last asked, nothing counts as gone.
std::size_t StreamConnection::waiting_bytes() const noexcept {
  return queue_.bytes() + static_cast<std::size_t>(written_bytes_ - drained_bytes_);
}

std::optional<SendBacklog> StreamConnection::look_at_backlog() noexcept {
  const auto backlog = send_backlog(socket_);
  // Encrypted bytes are more than was written; acknowledged ones are never taken back.
  const std::uint64_t held = std::min<std::uint64_t>(written_bytes_, backlog ? backlog->bytes : 0);
  drained_bytes_ = std::max(drained_bytes_, written_bytes_ - held);
  return backlog;
}

// The system is asked only where more may wait than is always allowed; on a fast way, where each
// question is felt, only after some more.
void StreamConnection::measure(TimePoint now) {
  deadline_ = TimePoint::max();
  const bool is_used_up = use_up_budget(now);
  if (is_used_up || write_blocked_) {
    watch_for_stall(now);
    set_deadline(is_used_up ? std::min(give_up_at_, now + look_interval_) : give_up_at_);
  } else {
    give_up_at_ = TimePoint::max();
  }
}

// Whether nothing more is let in for now; `look_interval_` says when to look again.
bool StreamConnection::use_up_budget(TimePoint now) {
  if (waiting_bytes() < (budget_.has_limit() ? SendBudget::kLeastBytes : kUnaskedBytes)) {
    return false;
  }
  const auto backlog = look_at_backlog();
  if (!backlog) {
    budget_.lift();
    return false;
  }
  budget_.update({drained_bytes_, backlog->shortest_rtt}, now);
  if (!budget_.has_limit() || waiting_bytes() < budget_.bytes()) {
    look_interval_ = Duration::zero();
    return false;
  }
  const bool drains = drained_bytes_ != std::exchange(drained_before_, drained_bytes_);
  if (drains || look_interval_ == Duration::zero()) drained_at_ = now;
  const Duration longest = std::clamp((now - drained_at_) / 8, kLongestLook, kLongestIdleLook);
  look_interval_ = std::clamp(2 * look_interval_, kShortestLook, longest);
  return true;
}

std::uint64_t StreamConnection::taken_bytes() const noexcept {
  return written_bytes_ + stream_->taken_bytes();
}

// Whoever talks and never reads would keep what waits for him for ever.
void StreamConnection::watch_for_stall(TimePoint now) {
  const std::uint64_t gone = taken_bytes() + drained_bytes_;
  const bool goes_on = gone != std::exchange(gone_before_, gone);
  if (!goes_on && give_up_at_ != TimePoint::max()) return;
  const Duration idle = shared_.context.idle;
  const bool is_raw = shared_.options.framing == Framing::none;
  give_up_at_ = now + (is_raw ? std::max(idle, kRawPatience) : idle);
}

void StreamConnection::send(Packet packet, Packet body) {
  if (phase_ != Phase::up || write_failure_ || out_of_memory_) return;
  if (shared_.options.framing == Framing::frames) {
    const auto length = static_cast<std::uint32_t>(packet.size() + body.size());
    store(packet.prepend(kFramePrefixBytes), length);
  }
  queue_.push(std::move(packet));
  if (body) queue_.push(std::move(body));
  const std::size_t enough = sizes_for(shared_.options.security).write;
  if (queue_.bytes() >= enough && !write_blocked_) write_some();
  mark_dirty();
}

void StreamConnection::flush(TimePoint now) {
  if (phase_ != Phase::up) return;
  try {
    if (!write_blocked_) write_some();
    measure(now);
    // Room has come meanwhile, of which nothing else would tell whoever waits for it.
    if (std::exchange(told_full_, false) && deadline_ == TimePoint::max()) mark_ready();
  } catch (const std::bad_alloc&) {
    run_out_of_memory();
  }
}

// Told by the next `service`, as any failure.
void StreamConnection::run_out_of_memory() noexcept {
  out_of_memory_ = true;
  queue_.clear();
  mark_ready();
}

// Failures are told by the next `service`: only there may a handler be called.
void StreamConnection::write_some() {
  while (!queue_.empty() && !write_blocked_ && !write_failure_) {
    const std::size_t count = queue_.gather(shared_.pieces);
    const IoResult result = stream_->write(std::span(shared_.pieces).first(count));
    if (result.status == IoStatus::done) {
      queue_.consume(result.bytes);
      written_bytes_ += result.bytes;
    } else if (result.status == IoStatus::blocked) {
      block_writing();
    } else {
      write_failure_ = std::make_unique<Error>(failure_while_up());
      queue_.clear();
      mark_ready();
    }
  }
}

// Noted at once: a read that follows may be blocked too, and wait for something else.
void StreamConnection::block_writing() {
  write_blocked_ = true;
  write_awaits_ = stream_->awaits();
  wait_for_more();
}

}  // namespace tickwire::detail
