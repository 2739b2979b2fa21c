// SPDX-License-Identifier: MIT
#include "audio/jitter_buffer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include <speex/speex_jitter.h>

namespace voice {
namespace {

// speexdsp keeps timings in 16 bits. Timestamps of an 8 kHz clock let it see four seconds of
// jitter, those of a 48 kHz clock less than one.
constexpr int span_per_frame = 160;

// Room below the first packet of a talk, so that no timestamp of it goes below 0.
constexpr std::uint32_t headroom_frames = 1000;

// A talk without a pause is begun anew after so long, before its timestamps overflow.
constexpr std::uint32_t longest_talk_frames = 1 << 20;

// Above what `max_delay` may keep, because packets that were skipped are only handed back by the
// next put.
constexpr std::size_t slot_count = 128;

// So many takes with nothing left to play, and the talker has fallen silent.
constexpr int silent_after_takes = SequenceTracker::max_gap;

// The first words of a talk are not held back longer than this, whatever the delay was before.
constexpr int max_target_frames = 10;

// A start that runs so far ahead of an even one is a burst: what the network has held up.
constexpr int burst_frames = 2;

// Weight of the newest wait in the running mean: about a third of a second.
constexpr double wait_weight = 1.0 / 16.0;

constexpr int frames(std::chrono::milliseconds duration) {
  return static_cast<int>(duration / frame_duration);
}

}  // namespace

/// One packet's place. speexdsp holds a pointer to `bytes`, which must stay the first member.
struct JitterBuffer::Slot {
  std::array<char, max_packet_bytes> bytes;
  std::size_t size_bytes;
  std::uint32_t sequence;
  enum class State { free, kept, waiting, taken } state;  ///< kept: speexdsp has it not yet
  std::uint64_t* discarded;
};

/// The packets, and speexdsp's buffer, which orders them and holds nothing but pointers to them.
struct JitterBuffer::Store {
  struct Destroy {
    void operator()(::JitterBuffer* made) const noexcept { jitter_buffer_destroy(made); }
  };

  Store();
  static void release(void* slot);
  void put(Slot& slot, std::uint32_t timestamp);
  void discard_kept();
  [[nodiscard]] Slot* find_free() noexcept;
  [[nodiscard]] const Slot* find_waiting(std::uint32_t sequence) const noexcept;

  std::array<Slot, slot_count> slots{};
  Slot late{};  ///< stands in for a packet whose time alone matters
  Slot* taken = nullptr;
  std::uint64_t discarded = 0;
  std::unique_ptr<::JitterBuffer, Destroy> buffer;  ///< last: its end hands the packets back
};

JitterBuffer::Store::Store() : buffer(jitter_buffer_init(span_per_frame)) {
  for (Slot& slot : slots)
    slot.discarded = &discarded;
}

// speexdsp calls this for a packet that it gives up unplayed.
void JitterBuffer::Store::release(void* slot) {
  auto* const given_up = static_cast<Slot*>(slot);
  given_up->state = Slot::State::free;
  if (given_up->discarded != nullptr && given_up->size_bytes > 0) ++*given_up->discarded;
}

void JitterBuffer::Store::put(Slot& slot, std::uint32_t timestamp) {
  slot.state = Slot::State::waiting;
  JitterBufferPacket packet{};
  packet.data = slot.bytes.data();
  packet.len = static_cast<spx_uint32_t>(slot.size_bytes);
  packet.timestamp = timestamp;
  packet.span = span_per_frame;
  jitter_buffer_put(buffer.get(), &packet);
}

void JitterBuffer::Store::discard_kept() {
  for (Slot& slot : slots) {
    if (slot.state == Slot::State::kept) release(&slot);
  }
}

JitterBuffer::Slot* JitterBuffer::Store::find_free() noexcept {
  for (Slot& slot : slots) {
    if (slot.state == Slot::State::free) return &slot;
  }
  return nullptr;
}

const JitterBuffer::Slot* JitterBuffer::Store::find_waiting(std::uint32_t sequence) const noexcept {
  for (const Slot& slot : slots) {
    if (slot.state == Slot::State::waiting && slot.sequence == sequence) return &slot;
  }
  return nullptr;
}

tickwire::Result<JitterBuffer> JitterBuffer::create(const JitterConfig& config) {
  const auto refused = [](const char* what) {
    return tickwire::Error{tickwire::ErrorCode::invalid_argument, 0,
                           std::string("the jitter buffer's ") + what};
  };
  const int max_frames = frames(config.max_delay);
  if (max_frames < 2 || max_frames > 50) return refused("max_delay is not 40 to 1000 ms");
  if (config.margin.count() < 0 || frames(config.margin) >= max_frames) {
    return refused("margin is not between 0 and max_delay");
  }
  if (config.initial_delay.count() < 0 || config.initial_delay > config.max_delay) {
    return refused("initial_delay is not between 0 and max_delay");
  }
  JitterBuffer made(config);
  if (made.store_->buffer == nullptr) {
    return tickwire::Error{tickwire::ErrorCode::out_of_resources, 0,
                           "speexdsp cannot make a jitter buffer"};
  }
  return made;
}

JitterBuffer::JitterBuffer(const JitterConfig& config)
    : config_(config),
      store_(std::make_unique<Store>()),
      wait_frames_(frames(config.initial_delay)) {
  ::JitterBuffer* const buffer = store_->buffer.get();
  if (buffer == nullptr) return;
  spx_int32_t margin = frames(config.margin) * span_per_frame;
  jitter_buffer_ctl(buffer, JITTER_BUFFER_SET_MARGIN, &margin);
  jitter_buffer_ctl(buffer, JITTER_BUFFER_SET_DESTROY_CALLBACK,
                    reinterpret_cast<void*>(&Store::release));
  // A first call makes speexdsp leave the times of adaptation to us: see adapt().
  jitter_buffer_update_delay(buffer, nullptr, nullptr);
}

JitterBuffer::JitterBuffer(JitterBuffer&&) noexcept = default;
JitterBuffer& JitterBuffer::operator=(JitterBuffer&&) noexcept = default;
JitterBuffer::~JitterBuffer() = default;

Listening JitterBuffer::listening() const noexcept {
  if (phase_ == Phase::silent) return Listening::silent;
  return depth_frames() > 0 ? Listening::playing : Listening::drained;
}

bool JitterBuffer::continues_talk(std::uint32_t sequence) const noexcept {
  const auto ahead = static_cast<std::int32_t>(sequence - tracker_.newest());
  return is_interrupted_ && ahead > 0 && ahead <= SequenceTracker::max_gap;
}

std::uint32_t JitterBuffer::next_sequence() const noexcept {
  if (phase_ == Phase::filling) return oldest_;
  const int timestamp =
      jitter_buffer_get_pointer_timestamp(store_->buffer.get()) + pending_insertion_;
  return base_ + static_cast<std::uint32_t>(timestamp / span_per_frame);
}

std::uint32_t JitterBuffer::timestamp(std::uint32_t sequence) const noexcept {
  return (sequence - base_) * span_per_frame;
}

int JitterBuffer::depth_frames() const noexcept {
  return static_cast<std::int32_t>(tracker_.newest() - next_sequence()) + 1;
}

int JitterBuffer::target_frames() const noexcept {
  const int known = static_cast<int>(std::lround(wait_frames_));
  return std::clamp(known, frames(config_.margin),
                    std::min(max_target_frames, frames(config_.max_delay)));
}

void JitterBuffer::put(std::uint32_t sequence, std::span<const std::byte> packet) {
  if (packet.size() > max_packet_bytes) {
    ++store_->discarded;
    return;
  }
  const bool continues = continues_talk(sequence);
  const Arrival arrival = tracker_.accept(sequence, listening());
  if (arrival == Arrival::duplicate) {
    ++duplicates_;
    return;
  }
  if (arrival == Arrival::doubtful) {
    ++store_->discarded;
    return;
  }
  if (!packet.empty()) ++received_;
  if (arrival == Arrival::new_talk) {
    if (packet.empty()) {
      phase_ = Phase::silent;
      is_interrupted_ = false;
      return;
    }
    start_talk(sequence);
    is_interrupted_ = continues;
  }
  const bool over = arrival == Arrival::stale || phase_ == Phase::silent;
  if (over ||
      (phase_ == Phase::playing && static_cast<std::int32_t>(sequence - next_sequence()) < 0)) {
    if (!packet.empty()) ++late_;
    if (!over) note_late(sequence);
    return;
  }
  if (sequence - base_ > longest_talk_frames) start_talk(sequence);
  store(sequence, packet);
  const int max_frames = frames(config_.max_delay);
  for (int skips = depth_frames() - max_frames; skips > 0 && depth_frames() > max_frames; --skips) {
    skip_one();
  }
}

void JitterBuffer::start_talk(std::uint32_t sequence) {
  store_->discard_kept();
  is_interrupted_ = false;
  base_ = sequence - headroom_frames;
  oldest_ = sequence;
  phase_ = Phase::filling;
  filled_takes_ = 0;
  invented_frames_left_ = 0;
  pending_insertion_ = 0;
  drained_takes_ = 0;
  wait_frames_ = target_frames();
}

// speexdsp learns of the lateness, and so comes to wait longer, but not of one beyond the longest
// delay: waiting for such packets would be worse than losing them.
void JitterBuffer::note_late(std::uint32_t sequence) {
  const auto behind = static_cast<std::int32_t>(next_sequence() - sequence);
  if (behind > frames(config_.max_delay)) return;
  JitterBufferPacket late{};
  late.data = store_->late.bytes.data();
  late.timestamp = timestamp(sequence);
  late.span = span_per_frame;
  jitter_buffer_put(store_->buffer.get(), &late);
}

void JitterBuffer::store(std::uint32_t sequence, std::span<const std::byte> packet) {
  Slot* const slot = store_->find_free();
  if (slot == nullptr) {
    ++store_->discarded;
    return;
  }
  if (!packet.empty()) std::memcpy(slot->bytes.data(), packet.data(), packet.size());
  slot->size_bytes = packet.size();
  slot->sequence = sequence;
  if (phase_ == Phase::filling) {
    slot->state = Slot::State::kept;
    if (static_cast<std::int32_t>(sequence - oldest_) < 0) oldest_ = sequence;
    return;
  }
  store_->put(*slot, timestamp(sequence));
  if (sequence == tracker_.newest()) {
    wait_frames_ += (depth_frames() - 1 - wait_frames_) * wait_weight;
  }
}

// What the network has held up goes on where the talk was broken off: speexdsp keeps its timings,
// learns of the burst, and does not take the packets after it for ones that come too early. All
// others begin anew.
void JitterBuffer::start_playing() {
  ::JitterBuffer* const buffer = store_->buffer.get();
  if (is_interrupted_ && depth_frames() > filled_takes_ + burst_frames) {
    jitter_buffer_remaining_span(buffer, 0);
    const int pointer = jitter_buffer_get_pointer_timestamp(buffer);
    base_ = oldest_ - static_cast<std::uint32_t>(pointer / span_per_frame);
  } else {
    jitter_buffer_reset(buffer);
  }
  phase_ = Phase::playing;
  is_interrupted_ = false;
  for (Slot& slot : store_->slots) {
    if (slot.state == Slot::State::kept) store_->put(slot, timestamp(slot.sequence));
  }
}

Taken JitterBuffer::take() {
  if (store_->taken != nullptr) {
    store_->taken->state = Slot::State::free;
    store_->taken = nullptr;
  }
  if (phase_ == Phase::silent) return {};
  if (phase_ == Phase::filling) {
    const int target = target_frames();
    if (filled_takes_ < target && depth_frames() <= target) {
      ++filled_takes_;
      return {};
    }
    start_playing();
  }
  if (invented_frames_left_ > 0) {
    --invented_frames_left_;
    jitter_buffer_remaining_span(store_->buffer.get(),
                                 static_cast<spx_uint32_t>(invented_frames_left_ * span_per_frame));
    return {Playout::missing, {}, {}};
  }
  const Taken taken = play_one();
  if (phase_ != Phase::silent) adapt();
  return taken;
}

Taken JitterBuffer::play_one() {
  const std::uint32_t sequence = next_sequence();
  drained_takes_ = depth_frames() > 0 ? 0 : drained_takes_ + 1;

  JitterBufferPacket packet{};
  spx_int32_t offset = 0;
  const int got = jitter_buffer_get(store_->buffer.get(), &packet, span_per_frame, &offset);
  pending_insertion_ = 0;
  if (got == JITTER_BUFFER_OK) {
    auto* const slot = reinterpret_cast<Slot*>(packet.data);
    slot->state = Slot::State::taken;
    store_->taken = slot;
    if (slot->size_bytes > 0) {
      return {Playout::packet, std::as_bytes(std::span(slot->bytes).first(slot->size_bytes)), {}};
    }
    phase_ = Phase::silent;
    return {};
  }
  if (drained_takes_ >= silent_after_takes) {
    phase_ = Phase::silent;
    is_interrupted_ = true;
    return {};
  }
  if (got == JITTER_BUFFER_INSERTION) {
    invented_frames_left_ = static_cast<int>(packet.span) / span_per_frame - 1;
    return {Playout::missing, {}, {}};
  }
  return play_gap(sequence);
}

Taken JitterBuffer::play_gap(std::uint32_t sequence) const {
  const Slot* const slot = store_->find_waiting(sequence + 1);
  if (slot == nullptr || slot->size_bytes == 0) return {Playout::missing, {}, {}};
  return {Playout::missing, {}, std::as_bytes(std::span(slot->bytes).first(slot->size_bytes))};
}

void JitterBuffer::skip_one() {
  if (phase_ == Phase::filling) start_playing();
  JitterBufferPacket packet{};
  spx_int32_t offset = 0;
  const int got = jitter_buffer_get(store_->buffer.get(), &packet, span_per_frame, &offset);
  pending_insertion_ = 0;
  if (got == JITTER_BUFFER_OK) Store::release(packet.data);
}

// Insertions and skips both come in whole frames, because every timing is rounded to the step that
// the buffer was made with.
void JitterBuffer::adapt() {
  const int change = jitter_buffer_update_delay(store_->buffer.get(), nullptr, nullptr);
  pending_insertion_ = change < 0 ? -change : 0;
  jitter_buffer_tick(store_->buffer.get());
}

std::chrono::milliseconds JitterBuffer::delay() const noexcept {
  return std::chrono::milliseconds(std::lround(wait_frames_ * frame_duration.count()));
}

JitterCounters JitterBuffer::counters() const noexcept {
  return {received_, late_, tracker_.lost(), duplicates_, store_->discarded};
}

}  // namespace voice
