// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/fuzz/recorded_packets.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/placed_tail.hpp"
#include "test/support/session_pair.hpp"
#include "test/support/session_traffic.hpp"

/// Millions of damaged packets of real conversations.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::SessionState;
using test::Bytes;
using test::Dice;
using test::Recording;

namespace {

constexpr std::size_t kPackets = 2'000'000;
// All sessions that live at a time, and what the pool keeps for the next.
constexpr std::size_t kMemoryBound = 4 * 1024 * 1024;
constexpr std::size_t kHostReassemblyBytes = 200'000;

class Abyss final : public detail::PacketSink {
 public:
  [[nodiscard]] std::size_t capacity_bytes(detail::Lane) const noexcept override { return 1 << 20; }
  void send(detail::Packet, detail::Lane, std::uint8_t) override {}
};

/// What sessions of one host share.
struct House {
  test::CountingResource memory;
  std::optional<detail::PoolOwner> pool{std::in_place, &memory};
  detail::ReassemblyBudget budget{kHostReassemblyBytes};
};

struct Side {
  explicit Side(Direction direction)
      : plan(test::recorded_plan(direction)),
        settings(std::make_shared<detail::SessionSettings>(plan)),
        recording(test::record(direction)) {}

  test::SessionPlan plan;
  std::shared_ptr<const detail::SessionSettings> settings;
  Recording recording;
};

/// One session that is sent damaged packets, and everything that it tells.
class Victim {
 public:
  Victim(const Side& side, House& house, TimePoint now)
      : side_(side),
        house_(house),
        now_(now),
        session_(side.settings, side.plan.start, **house.pool, house.budget, now) {
    session_.link_up(test::SessionPair::traits);
    flush();
  }

  [[nodiscard]] bool lives() const { return session_.state() != SessionState::ended; }

  void give(const Bytes& bytes) {
    // A stream asks where the tail belongs, once some of the packet is there.
    test::receive_in_place(session_, packet(bytes), bytes.size() % 32, now_);
    flush();
    if (session_.asks_to_resume() != nullptr) session_.refuse(ErrorCode::not_resumable);
  }

  void give_all(const std::vector<Bytes>& packets) {
    for (const Bytes& each : packets)
      give(each);
  }

  void talk() {
    test::say_recorded(session_, now_);
    flush();
  }

  void lose_link() {
    session_.link_down({ErrorCode::connection_reset, 0, "cut"}, now_);
    if (is_dialled()) {
      session_.link_up(test::SessionPair::traits);
      flush();
    }
  }

  /// A greeting over a new link: the dialler's own way back, or somebody at the acceptor's door who
  /// claims to be the other end.
  void give_return(const Bytes& bytes) {
    if (is_dialled()) return give(bytes);
    detail::MessageSession door(side_.settings, side_.plan.start, **house_.pool, house_.budget,
                                now_);
    door.link_up(test::SessionPair::traits);
    door.receive(packet(bytes), now_);
    const detail::ResumeWords* words = door.asks_to_resume();
    if (words == nullptr || !words->token || !session_.knows(*words->token)) return;
    session_.resume(*words, test::SessionPair::traits, now_);
    flush();
  }

  void wait(Duration by) {
    now_ += by;
    session_.advance(now_);
    flush();
  }

  /// Empty, or what is wrong with its events.
  [[nodiscard]] std::string take_events() {
    for (detail::Held held;; held = {}) {
      Event event;
      if (!session_.take_event(event, held)) break;
      session_.release(held);
      if (std::exchange(fresh_, false) && event.type != EventType::connected &&
          event.type != EventType::error) {
        return "something comes before it is up";
      }
      if (ended_) return "something follows the end";
      if (event.bytes().size() > 3016) return "a message is too large";
      ended_ = event.type == EventType::disconnected || event.type == EventType::error;
    }
    session_.retry_parked(now_);
    return {};
  }

  [[nodiscard]] std::string finish() {
    session_.fail({ErrorCode::connection_lost, 0, "the end"});
    if (auto wrong = take_events(); !wrong.empty()) return wrong;
    const bool told = is_dialled() || session_.was_open();
    return ended_ == told ? std::string() : "it has no end, or two";
  }

 private:
  [[nodiscard]] bool is_dialled() const { return side_.plan.start.direction == Direction::dialled; }
  [[nodiscard]] detail::Packet packet(const Bytes& bytes) {
    detail::Packet made(**house_.pool, bytes.size());
    made.append(bytes);
    return made;
  }
  void flush() { session_.flush(sink_, now_); }

  const Side& side_;
  House& house_;
  TimePoint now_;
  detail::MessageSession session_;
  Abyss sink_;
  bool fresh_ = true;
  bool ended_ = false;
};

/// Two sessions of the same house that just talk.
class Neighbours {
 public:
  explicit Neighbours(House& house) : house_(house) {
    for (const Direction direction : {Direction::dialled, Direction::accepted}) {
      const auto plan = test::recorded_plan(direction);
      ends_.push_back(
          std::make_unique<detail::MessageSession>(std::make_shared<detail::SessionSettings>(plan),
                                                   plan.start, **house_.pool, house_.budget, now_));
      ends_.back()->link_up(test::SessionPair::traits);
    }
  }

  /// A word each way, and a large message now and then. Empty, or what went wrong.
  [[nodiscard]] std::string talk(std::uint64_t round) {
    now_ += 5ms;
    for (auto& end : ends_) {
      const std::string text = std::to_string(round) + std::string(round % 50 == 0 ? 2500 : 9, 'x');
      detail::OutMessage message;
      message.body.payload = detail::as_bytes(text);
      message.id = round + 1;
      if (end->is_open() && end->send(message, Delivery::reliable, 0, now_) == ErrorCode::none) {
        ++said_;
      }
    }
    for (int i = 0; i < 3; ++i) {
      carry(0);
      carry(1);
      for (auto& end : ends_) {
        end->advance(now_);
        if (!take(*end)) return "a neighbour was told something else than messages";
      }
    }
    return {};
  }

  /// Everything said has arrived, nobody has left.
  [[nodiscard]] bool are_well() const {
    return ends_[0]->is_open() && ends_[1]->is_open() && said_ == heard_;
  }
  [[nodiscard]] std::size_t heard() const { return heard_; }

 private:
  void carry(std::size_t from) {
    ends_[from]->flush(sink_, now_);
    while (!sink_.packets.empty())
      ends_[1 - from]->receive(sink_.packets.take_front().packet, now_);
  }
  [[nodiscard]] bool take(detail::MessageSession& end) {
    for (detail::Held held;; held = {}) {
      Event event;
      if (!end.take_event(event, held)) break;
      end.release(held);
      if (event.type == EventType::data_received) ++heard_;
      if (event.type == EventType::disconnected || event.type == EventType::error) return false;
    }
    end.retry_parked(now_);
    return true;
  }

  House& house_;
  TimePoint now_{std::chrono::hours(1)};
  std::vector<std::unique_ptr<detail::MessageSession>> ends_;
  test::CapturingSink sink_;
  std::size_t said_ = 0;
  std::size_t heard_ = 0;
};

void flip_bits(Bytes& packet, Dice& dice) {
  for (std::size_t n = dice.one_in(8) ? dice.between(2, 12) : 1; n > 0; --n)
    packet[dice.below(packet.size())] ^= static_cast<std::byte>(1u << dice.below(8));
}

void shuffle_bytes(Bytes& packet, Dice& dice) {
  const std::size_t begin = dice.below(packet.size());
  const std::size_t count = std::min<std::size_t>(packet.size() - begin, dice.between(2, 16));
  for (std::size_t i = begin; i + 1 < begin + count; ++i)
    std::swap(packet[i], packet[dice.between(i, begin + count - 1)]);
}

/// A packet with some damage.
Bytes mutated(const Bytes& whole, const Bytes& other, Dice& dice) {
  Bytes packet = whole;
  for (std::size_t times = dice.one_in(8) ? 2 : 1; times > 0 && !packet.empty(); --times) {
    const auto place = static_cast<std::ptrdiff_t>(dice.below(packet.size()));
    switch (dice.below(12)) {
      default:
        flip_bits(packet, dice);
        break;
      case 0:
        packet.resize(static_cast<std::size_t>(place));
        break;
      case 1:
        shuffle_bytes(packet, dice);
        break;
      case 2:  // the head of one, the tail of another
        packet.resize(static_cast<std::size_t>(place));
        packet.insert(packet.end(),
                      other.begin() + static_cast<std::ptrdiff_t>(dice.below(other.size())),
                      other.end());
        break;
      case 3:  // a piece twice
        packet.insert(packet.begin() + place, whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(dice.between(
                                          1, std::min<std::size_t>(40, whole.size()))));
        break;
      case 4:
        packet[static_cast<std::size_t>(place)] = static_cast<std::byte>(dice.below(256));
        break;
    }
  }
  return packet;
}

/// Packets to come, some of them out of order or twice.
std::vector<const Bytes*> shuffled(const std::vector<Bytes>& packets, Dice& dice) {
  std::vector<const Bytes*> order;
  for (const Bytes& each : packets) {
    order.push_back(&each);
    if (dice.one_in(30)) order.push_back(&packets[dice.below(packets.size())]);
    if (order.size() > 1 && dice.one_in(30)) std::swap(order.back(), order[order.size() - 2]);
  }
  return order;
}

/// Which part of the conversation is damaged; what comes before is as it was.
enum class Part : std::uint8_t { greeting, talk, greeting_again, talk_again, goodbye };

const std::vector<Bytes>& part_of(const Recording& recording, Part part) {
  switch (part) {
    case Part::greeting:
      return recording.greeting;
    case Part::talk:
      return recording.talk;
    case Part::greeting_again:
      return recording.greeting_again;
    case Part::talk_again:
      return recording.talk_again;
    default:
      return recording.goodbye;
  }
}

void bring_to(Victim& victim, const Recording& recording, Part part) {
  if (part == Part::greeting) return;
  victim.give_all(recording.greeting);
  victim.talk();
  if (part == Part::talk) return;
  // Not all of the talk, so that there is something to say again.
  const std::size_t heard = std::min<std::size_t>(recording.talk.size(), 12);
  victim.give_all(
      {recording.talk.begin(), recording.talk.begin() + static_cast<std::ptrdiff_t>(heard)});
  if (part == Part::goodbye) return;
  victim.lose_link();
  if (part == Part::greeting_again) return;
  victim.give_return(recording.greeting_again.front());
}

/// One conversation with damage. Returns how many damaged packets reached a living session.
std::size_t converse(const Side& side, House& house, TimePoint now, Dice& dice,
                     std::string& wrong) {
  Victim victim(side, house, now);
  const Part part = dice.one_in(2) ? Part::talk : static_cast<Part>(dice.below(5));
  bring_to(victim, side.recording, part);
  wrong = victim.take_events();
  std::size_t count = 0;
  const auto& packets = part_of(side.recording, part);
  for (const Bytes* each : shuffled(packets, dice)) {
    if (!victim.lives() || !wrong.empty()) break;
    const bool is_damaged = dice.below(4) != 0;
    const Bytes packet =
        is_damaged ? mutated(*each, packets[dice.below(packets.size())], dice) : *each;
    count += is_damaged ? 1 : 0;
    if (part == Part::greeting_again && each == &packets.front()) {
      victim.give_return(packet);
    } else {
      victim.give(packet);
    }
    if (dice.one_in(6)) victim.wait(Duration(1ms) * dice.below(400));
    if (dice.one_in(4)) wrong = victim.take_events();
  }
  if (wrong.empty()) wrong = victim.finish();
  return count;
}

}  // namespace

TEST_CASE("millions of damaged packets kill nothing but the session that they were sent to") {
  const TimePoint now(1h);
  House house;
  const Side dialled(Direction::dialled);
  const Side accepted(Direction::accepted);
  std::optional<Neighbours> neighbours(house);
  std::size_t given = 0;
  for (std::uint64_t seed = 1; given < kPackets; ++seed) {
    Dice dice(seed);
    std::string wrong;
    given += converse(dice.one_in(2) ? dialled : accepted, house, now, dice, wrong);
    if (wrong.empty() && house.memory.bytes_out() >= kMemoryBound) wrong = "too much memory";
    INFO("seed ", seed, ": ", wrong);
    REQUIRE(wrong.empty());
    if (seed % 100 != 0) continue;
    const std::string complaint = neighbours->talk(seed / 100);
    INFO("the neighbours: ", complaint);
    REQUIRE(complaint.empty());
  }
  for (int i = 0; i < 10; ++i)
    CHECK(neighbours->talk(1).empty());
  CHECK(neighbours->are_well());
  CHECK(neighbours->heard() > 100);
  neighbours.reset();
  CHECK(house.budget.reserve(kHostReassemblyBytes));
  house.pool.reset();
  CHECK(house.memory.bytes_out() == 0);
}
