// SPDX-License-Identifier: MIT
#include "test/soak/talker.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace tickwire::soak {
namespace {

constexpr Duration kInterval = std::chrono::milliseconds(30);
constexpr std::size_t kReliableBytes = 4000;
constexpr std::size_t kUnreliableBytes = 1000;
constexpr std::size_t kBulkBytes = 64 * 1024;
// Enough to fill the fastest network of the matrix until the next turn.
constexpr std::size_t kBulkQueueBytes = 96 * 1024;
constexpr std::size_t kMaxFaults = 8;

struct Head {
  std::uint64_t hash = 0;  // of all that follows
  std::uint32_t number = 0;
  std::uint32_t stream = 0;
};

std::uint64_t mix(std::uint64_t state) {
  state = (state ^ (state >> 32)) * 0xd6e8feb86659fd93u;
  return state ^ (state >> 29);
}

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = mix(bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), count);
    hash = mix(hash + word + 0x9e3779b97f4a7c15u);
    bytes = bytes.subspan(count);
  }
  return hash;
}

// Contents differ from one message to the next, so that no two can be taken for each other.
void fill(std::span<std::byte> bytes, std::uint64_t key) {
  while (!bytes.empty()) {
    key = mix(key + 0x9e3779b97f4a7c15u);
    const std::size_t count = std::min(bytes.size(), sizeof key);
    std::memcpy(bytes.data(), &key, count);
    bytes = bytes.subspan(count);
  }
}

const char* name_of(Stream stream) {
  constexpr const char* names[] = {"reliable", "unreliable", "bulk"};
  return names[static_cast<std::size_t>(stream)];
}

}  // namespace

std::vector<ChannelConfig> channels() {
  return {{Delivery::reliable, 1, 1}, {Delivery::unreliable, 1, 1}, {Delivery::reliable, 0, 1}};
}

void Talker::speak(const Connection& to, TimePoint now) {
  if (!next_at_) next_at_ = now;
  if (now < *next_at_) return;
  *next_at_ += kInterval;
  say(to, Stream::reliable, kReliableBytes);
  say(to, Stream::unreliable, kUnreliableBytes);
  if (traffic_ != Traffic::bulk) return;
  while (faults_.empty() && to.stats().queued_bytes < kBulkQueueBytes)
    say(to, Stream::bulk, kBulkBytes);
}

void Talker::say(const Connection& to, Stream stream, std::size_t max_bytes) {
  Counts& said = said_[index(stream)];
  buffer_.resize(sizeof(Head) + random_() % (max_bytes - sizeof(Head) + 1));
  Head head{0, static_cast<std::uint32_t>(said.messages), static_cast<std::uint32_t>(stream)};
  std::memcpy(buffer_.data(), &head, sizeof head);
  fill(std::span(buffer_).subspan(sizeof head), random_());
  head.hash = hash_of(std::span(buffer_).subspan(sizeof head.hash));
  std::memcpy(buffer_.data(), &head.hash, sizeof head.hash);
  SendOptions options;
  options.channel = static_cast<std::uint8_t>(stream);
  const auto sent = to.send_bytes(buffer_, options);
  if (!sent) return fault("a send was refused: " + sent.error().message());
  ++said.messages;
  said.bytes += buffer_.size();
}

void Talker::hear(const Event& message) {
  const auto bytes = message.bytes();
  if (message.channel >= kStreams) return fault("a message came on a channel that is not used");
  const auto stream = static_cast<Stream>(message.channel);
  const std::string what = std::string("a message on the ") + name_of(stream) + " channel ";
  Head head;
  if (bytes.size() < sizeof head) return fault(what + "came with too few bytes");
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.hash != hash_of(bytes.subspan(sizeof head.hash))) return fault(what + "came damaged");
  if (head.stream != message.channel) return fault(what + "belongs to another");
  Counts& heard = heard_[message.channel];
  if (stream != Stream::unreliable && head.number != heard.messages) {
    return fault(what + "came as number " + std::to_string(head.number) + " instead of " +
                 std::to_string(heard.messages));
  }
  if (stream == Stream::unreliable) {
    if (unreliable_heard_.size() <= head.number) unreliable_heard_.resize(head.number + 1);
    if (unreliable_heard_[head.number]) return;  // which is allowed
    unreliable_heard_[head.number] = true;
  }
  ++heard.messages;
  heard.bytes += bytes.size();
}

bool Talker::heard_all_of(const Talker& other) const {
  return heard(Stream::reliable).messages == other.said(Stream::reliable).messages &&
         heard(Stream::bulk).messages == other.said(Stream::bulk).messages;
}

void Talker::fault(std::string what) {
  if (faults_.size() < kMaxFaults) faults_.push_back(std::move(what));
}

}  // namespace tickwire::soak
