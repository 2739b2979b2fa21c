// SPDX-License-Identifier: MIT
#include "growth_point.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <vector>

#include "growth_ends.hpp"
#include "other_process.hpp"
#include "process.hpp"
#include "socket.hpp"
#include "usage.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr double kWarmUpShare = 0.25;
constexpr std::size_t kWindows = 5;

/// A board in memory that children share.
class SharedBoard {
 public:
  SharedBoard() {
    void* const memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw_system_error("mmap");
    board_ = new (memory) Board;
  }
  ~SharedBoard() { munmap(board_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;

  [[nodiscard]] Board& operator*() const { return *board_; }

 private:
  Board* board_;
};

ProcessorTime both_times(const Board& board) {
  const ProcessorTime sender = processor_time(board.sender.process);
  const ProcessorTime receiver = processor_time(board.receiver.process);
  return {sender.user + receiver.user, sender.kernel + receiver.kernel};
}

double extra_bytes(const EndBoard& end) {
  return static_cast<double>(anonymous_bytes(end.process)) - static_cast<double>(end.bytes_before);
}

void wait_until(const auto& holds, const Board& board) {
  while (!holds()) {
    // Throws when one of them has ended, with what it said on standard error.
    if (board.sender.process != 0) static_cast<void>(extra_bytes(board.sender));
    if (board.receiver.process != 0) static_cast<void>(extra_bytes(board.receiver));
    std::this_thread::sleep_for(5ms);
  }
}

/// Messages in a second from one look at the board to the next.
class Counter {
 public:
  explicit Counter(const Board& board) : board_(board) { static_cast<void>(next()); }

  double next() {
    const std::uint64_t before = count_;
    const std::int64_t before_ns = at_ns_;
    // The time belongs to that count or to a later one; a count or two more is no matter.
    count_ = board_.received;
    at_ns_ = board_.received_at;
    const double seconds = static_cast<double>(at_ns_ - before_ns) / 1e9;
    return static_cast<double>(count_ - before) / seconds;
  }
  [[nodiscard]] bool has_more() const { return board_.received != count_; }

 private:
  const Board& board_;
  std::uint64_t count_ = 0;
  std::int64_t at_ns_ = 0;
};

Growth watch(const Board& board, double seconds) {
  const auto begin = Clock::now();
  const auto passed = [&](double time) {
    return std::chrono::duration<double>(Clock::now() - begin).count() >= time;
  };
  wait_until([&] { return board.received > 0 && passed(seconds * kWarmUpShare); }, board);
  Counter counter(board);
  const ProcessorTime before = both_times(board);
  const std::uint64_t received_before = board.received;
  std::vector<double> rates;
  Growth growth;
  for (std::size_t i = 1; i <= kWindows && (rates.empty() || !passed(seconds)); ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(kWindows);
    const double end = seconds * (kWarmUpShare + (1 - kWarmUpShare) * share);
    wait_until([&] { return counter.has_more() && passed(end); }, board);
    rates.push_back(counter.next());
    growth.sender_bytes = std::max(growth.sender_bytes, extra_bytes(board.sender));
    growth.receiver_bytes = std::max(growth.receiver_bytes, extra_bytes(board.receiver));
  }
  const ProcessorTime after = both_times(board);
  const auto messages = static_cast<double>(board.received - received_before);
  growth.user_ns = (after.user - before.user) * 1e9 / messages;
  growth.kernel_ns = (after.kernel - before.kernel) * 1e9 / messages;
  growth.messages_per_second = at_share(std::move(rates), 0.5);
  return growth;
}

}  // namespace

Growth measure_growth(const GrowthPoint& point, double seconds) {
  allow_descriptors(point.connections);
  const SharedBoard shared;
  Board& board = *shared;
  const TextPipe address;
  Child acceptor([&] { accept_all(point, board, address); });
  Child dialler([&] { dial_all(point, board, address); });
  const auto is_up = [&] {
    return board.sender.up == point.connections && board.receiver.up == point.connections;
  };
  wait_until(is_up, board);
  board.go = true;
  const Growth growth = watch(board, seconds);
  board.over = true;  // neither minds that the other one goes
  dialler.end();
  acceptor.end();
  return growth;
}

}  // namespace bench
