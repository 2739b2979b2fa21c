// SPDX-License-Identifier: MIT
#include "test/fuzz/session_fuzz.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "lib/session/message_session.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/placed_tail.hpp"

namespace tickwire::test {
namespace {

using detail::SessionState;

constexpr std::size_t kMaxMessageBytes = 20'000;
constexpr std::size_t kMaxReassemblyBytes = 50'000;
// What credit and queues allow to be held, at a generous price for each message: a session takes
// at least 33 bytes of credit for a message, and a packet's block is half a kilobyte at least.
constexpr std::size_t kMemoryBound = 24 * 1024 * 1024;

/// Feeds on the input, and gives zeros when there is none left.
class Diet {
 public:
  explicit Diet(std::span<const std::uint8_t> input) : rest_(input) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  [[nodiscard]] std::span<const std::uint8_t> piece() {
    std::size_t size = byte();
    size += std::size_t{byte()} * 256;
    size = std::min(size, rest_.size());
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

/// Counts what a session sends and throws it away.
class Abyss final : public detail::PacketSink {
 public:
  [[nodiscard]] std::size_t capacity_bytes(detail::Lane) const noexcept override {
    return capacity;
  }
  void send(detail::Packet packet, detail::Lane, std::uint8_t) override {
    if (packet.size() > 1200) throw BrokenPromise("a packet is larger than its link allows");
  }
  std::size_t capacity = 1 << 16;
};

class Subject {
 public:
  // Bits of the choice.
  static constexpr std::uint8_t dialled = 1;
  static constexpr std::uint8_t linked = 2;
  static constexpr std::uint8_t up = 4;
  static constexpr std::uint8_t resumable = 8;

  explicit Subject(std::uint8_t choice) : pool_(std::in_place, &memory_) {
    start_.direction = (choice & dialled) != 0 ? Direction::dialled : Direction::accepted;
    settings_.channels.resize(4);
    settings_.limits.max_message_bytes = kMaxMessageBytes;
    settings_.limits.max_reassembly_bytes = kMaxReassemblyBytes;
    settings_.limits.receive_window_bytes = 128 * 1024;
    settings_.limits.max_send_queue_bytes = 100'000;
    settings_.limits.max_unreliable_queue.bytes = 8192;
    settings_.self = {"fuzz", "", "", 128 * 1024, kMaxMessageBytes, 4};
    start_.connect_timeout = std::chrono::seconds(5);
    if ((choice & resumable) != 0) settings_.timeouts.resume_window = std::chrono::seconds(2);
    settings_.resume_over = ResumeOver::any;
    settings_.random = [this](std::span<std::byte> bytes) {
      const detail::ResumeToken token = token_of(++tokens_made_);
      std::copy(token.bytes.begin(), token.bytes.end(), bytes.begin());
      return true;
    };
    session_.emplace(std::make_shared<detail::SessionSettings>(settings_), start_, **pool_, budget_,
                     now_);
    if ((choice & linked) != 0) session_->link_up({1200, 1200, true});
    if ((choice & up) != 0) open();
  }

  void packet(std::span<const std::uint8_t> bytes) {
    detail::Packet packet(**pool_, bytes.size());
    packet.append(std::as_bytes(bytes));
    const std::size_t front_bytes = packet.size() % 32;
    receive_in_place(*session_, std::move(packet), front_bytes, now_);
  }

  void step(FuzzStep what, Diet& diet) {
    switch (what) {
      case FuzzStep::packet:
        return packet(diet.piece());
      case FuzzStep::flush:
        return session_->flush(sink_, now_);
      case FuzzStep::advance:
        now_ += std::chrono::milliseconds(diet.byte() * 16);
        return session_->advance(now_);
      case FuzzStep::take:
        return take(diet.byte());
      case FuzzStep::send:
        return send(diet);
      case FuzzStep::close:
        return session_->close({diet.byte(), "fuzz"}, now_);
      case FuzzStep::stall:
        sink_.capacity = sink_.capacity == 0 ? 1 << 16 : 0;
        return;
      case FuzzStep::link_down:
        return lose_link();
      case FuzzStep::link_up:
        if (session_->wants_call() || session_->state() == SessionState::waiting_for_link) {
          session_->link_up({1200, 1200, true});
        }
        return;
      case FuzzStep::resume:
        return resume(diet);
      case FuzzStep::count:
        return;
    }
  }

  // The last word of a greeting, which makes an accepted one open.
  void ready() {
    detail::Packet packet(**pool_, 64);
    static_cast<void>(detail::wire::append_record(packet, detail::wire::Kind::ready, 0));
    detail::wire::prepend_header(packet, {});
    session_->receive(std::move(packet), now_);
  }

  void lose_link() { session_->link_down({ErrorCode::connection_reset, 0, "cut"}, now_); }

  void check_limits() const {
    if (memory_.bytes_out() > kMemoryBound) throw BrokenPromise("it holds too much memory");
  }

  void finish() {
    lose_link();
    now_ += std::chrono::hours(1);
    session_->advance(now_);
    take(1'000'000);
    if (session_->has_event()) throw BrokenPromise("its events never end");
    const bool told = start_.direction == Direction::dialled || connected_;
    if (ended_ != told) throw BrokenPromise("it has no end, or two");
    session_.reset();
    pool_.reset();
    if (!budget_.reserve(kMaxReassemblyBytes)) throw BrokenPromise("it keeps reassembly memory");
    if (memory_.bytes_out() != 0) throw BrokenPromise("it keeps packet memory");
  }

 private:
  // Brings it up, or tries to, by what a good peer would say.
  void open() {
    session_->link_up({1200, 1200, true});
    session_->flush(sink_, now_);
    const detail::HandshakeSelf peer{"fuzz", "", "", 128 * 1024, kMaxMessageBytes, 4};
    const bool calls = start_.direction == Direction::dialled;
    detail::ResumeWords words;
    words.asks = settings_.timeouts.resume_window.has_value();
    if (calls && words.asks) words.token = token_of(1);
    const auto body =
        calls ? detail::encode_welcome(peer, words) : detail::encode_hello(peer, words);
    detail::Packet greeting(**pool_, 256);
    std::copy(body.begin(), body.end(),
              detail::wire::append_record(
                  greeting, calls ? detail::wire::Kind::welcome : detail::wire::Kind::hello,
                  body.size()));
    detail::wire::prepend_header(greeting, {});
    session_->receive(std::move(greeting), now_);
    session_->flush(sink_, now_);
  }

  // The one that was made as the `number`th, as its session stores it.
  [[nodiscard]] detail::ResumeToken token_of(std::uint8_t number) const {
    detail::ResumeToken token;
    token.bytes.fill(static_cast<std::byte>(number));
    detail::store(token.bytes.data(), start_.slot);
    return token;
  }

  // As a host does it for somebody who greets with a token and a point to go on from.
  void resume(Diet& diet) {
    detail::ResumeWords words;
    words.token = token_of(static_cast<std::uint8_t>(tokens_made_ - diet.byte() % 4));
    detail::ResumePoint& point = words.point.emplace();
    point.spent = diet.byte() * std::uint64_t{100};
    point.limit = diet.byte() * std::uint64_t{10'000};
    for (int channels = diet.byte() % 8; channels > 0; --channels) {
      const std::uint8_t channel = diet.byte();
      point.taken.emplace_back(channel, std::uint32_t{diet.byte()});
    }
    if (session_->state() == SessionState::open && tokens_made_ > 1 &&
        session_->knows(token_of(static_cast<std::uint8_t>(tokens_made_ - 1)))) {
      throw BrokenPromise("a token is good for more than one return");
    }
    if (!session_->knows(*words.token)) return;
    if (!session_->is_open()) throw BrokenPromise("who is gone cannot be come back to");
    session_->resume(words, {1200, 1200, true}, now_);
  }

  void check_break(const Event& event) {
    if (event.type == EventType::interrupted || event.type == EventType::resumed) {
      const bool begins = event.type == EventType::interrupted;
      if (interrupted_ == begins) throw BrokenPromise("interruptions come in pairs");
      interrupted_ = begins;
    } else if (interrupted_ && (event.type == EventType::object_received ||
                                event.type == EventType::data_received)) {
      throw BrokenPromise("something is received between two links");
    }
  }

  void take(std::size_t count) {
    for (; count > 0 && session_->has_event(); --count) {
      Event event;
      detail::Held held;
      if (!session_->take_event(event, held)) throw BrokenPromise("an event is not there");
      if (ended_) throw BrokenPromise("something follows the end");
      const bool is_end = event.type == EventType::disconnected || event.type == EventType::error;
      if (event.type == EventType::connected) {
        if (connected_) throw BrokenPromise("it comes up twice");
        connected_ = true;
      } else if (event.type != EventType::error && !connected_) {
        throw BrokenPromise("something comes before it is up");
      } else if (event.type == EventType::error && connected_) {
        throw BrokenPromise("an error after it was up");
      }
      check_break(event);
      ended_ = is_end;
      const auto metadata_bytes = event.payload.metadata_bytes().size();
      if (event.bytes().size() + metadata_bytes > kMaxMessageBytes + 16) {
        throw BrokenPromise("a message is too large");
      }
      for (const std::byte each : event.bytes())
        seen_ ^= std::to_integer<unsigned>(each);
      session_->release(held);
    }
    session_->retry_parked(now_);
  }

  void send(Diet& diet) {
    const std::uint8_t how = diet.byte();
    const std::uint8_t size = diet.byte();
    const std::vector<std::byte> content(size * std::size_t{100});
    detail::OutMessage message;
    message.body.payload = content;
    message.id = ++last_id_;
    const auto delivery = static_cast<Delivery>(how % 3);
    if (delivery != Delivery::reliable && (how & 0x40) != 0) message.replace_key = how & 3;
    static_cast<void>(session_->send(message, delivery, (how >> 2) & 7, now_));
  }

  CountingResource memory_;
  std::optional<detail::PoolOwner> pool_;
  detail::ReassemblyBudget budget_{kMaxReassemblyBytes};
  detail::SessionSettings settings_;
  detail::SessionStart start_;
  TimePoint now_{std::chrono::hours(1)};
  std::optional<detail::MessageSession> session_;
  Abyss sink_;
  MessageId last_id_ = 0;
  unsigned seen_ = 0;
  std::uint8_t tokens_made_ = 0;
  bool connected_ = false;
  bool interrupted_ = false;
  bool ended_ = false;
};

void live(Subject& subject, Diet& diet) {
  while (!diet.empty()) {
    const auto what = diet.byte() % static_cast<std::uint8_t>(FuzzStep::count);
    subject.step(static_cast<FuzzStep>(what), diet);
    subject.check_limits();
  }
  subject.finish();
}

}  // namespace

void fuzz_session(std::span<const std::uint8_t> input) {
  Diet diet(input);
  Subject subject(diet.byte());
  live(subject, diet);
}

void fuzz_resume(std::span<const std::uint8_t> input) {
  Diet diet(input);
  const auto end = static_cast<std::uint8_t>(diet.byte() & Subject::dialled);
  Subject subject(end | Subject::up | Subject::resumable);
  if (end != Subject::dialled) subject.ready();
  subject.lose_link();
  live(subject, diet);
}

void append_packet_step(std::vector<std::uint8_t>& input, std::span<const std::byte> packet) {
  input.push_back(static_cast<std::uint8_t>(FuzzStep::packet));
  input.push_back(static_cast<std::uint8_t>(packet.size()));
  input.push_back(static_cast<std::uint8_t>(packet.size() >> 8));
  for (const std::byte each : packet)
    input.push_back(std::to_integer<std::uint8_t>(each));
}

}  // namespace tickwire::test
