// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cereal/types/array.hpp>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tickwire/tickwire.hpp>
#include <vector>

#include "stream.hpp"
#include "tickwire_host.hpp"

/// What Tickwire's programs send as a small message, and how they find the stamp in what arrives.
namespace bench {

/// What a game sends for every moving thing.
///
/// Shape: 64 bytes encoded.
struct Move {
  std::uint64_t near = 0;
  std::uint32_t player = 7;
  std::uint32_t tick = 1;
  std::array<float, 3> position{1, 2, 3};
  std::array<float, 3> velocity{4, 5, 6};
  std::array<float, 4> orientation{0, 0, 0, 1};
  std::uint64_t far = 0;
};
template <class Archive>
void serialize(Archive& archive, Move& move) {
  archive(move.near, move.player, move.tick, move.position, move.velocity, move.orientation,
          move.far);
}
TICKWIRE_MESSAGE(Move, "bench.move");

/// Sends and takes plain bytes.
class Bytes {
 public:
  static constexpr tickwire::EventType event_type = tickwire::EventType::data_received;
  static constexpr const char* one_message = "send_bytes in, event->bytes() out of poll()";

  explicit Bytes(std::size_t message_bytes) : bytes_(message_bytes) {}
  template <class... Options>
  tickwire::Result<tickwire::MessageId> send(tickwire::Connection connection, const Stamp& stamp,
                                             const Options&... options) {
    put_stamp(stamp, bytes_);
    return connection.send_bytes(bytes_, options...);
  }
  Stamp take(const tickwire::Event& event) { return stamp_of(event.bytes()); }

 private:
  std::vector<std::byte> bytes_;
};

/// Sends and takes small objects.
class Moves {
 public:
  static constexpr tickwire::EventType event_type = tickwire::EventType::object_received;
  static constexpr const char* one_message =
      "an object of 9 members, send(object) in, event->as<T>() out of poll()";

  explicit Moves(std::size_t message_bytes) {
    std::vector<std::byte> encoded;
    if (!tickwire::encode(move_, encoded) || encoded.size() != message_bytes)
      throw std::runtime_error("This object has " + std::to_string(encoded.size()) + " bytes.");
  }
  template <class... Options>
  tickwire::Result<tickwire::MessageId> send(tickwire::Connection connection, const Stamp& stamp,
                                             const Options&... options) {
    move_.near = stamp.near;
    move_.far = stamp.far;
    return connection.send(move_, options...);
  }
  // Inlined, gcc would read both numbers together with their neighbours, and so wait for members
  // that were only just written.
  [[gnu::noinline]] Stamp take(const tickwire::Event& event) {
    const auto move = event.as<Move>();
    if (!move) throw_error(move.error());
    return {move->near, move->far};
  }

 private:
  Move move_;
};

}  // namespace bench
