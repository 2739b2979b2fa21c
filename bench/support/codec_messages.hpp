// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <msgpack.hpp>

#include <tickwire/archive.hpp>

/// What the codecs are given to write and read, and how a program would do it by hand.
namespace bench {

using Bytes = std::vector<std::byte>;

/// A small message of a game.
struct GameMessage {
  std::uint32_t id = 0;
  float x = 0, y = 0, z = 0;
  std::string name;
  std::array<std::int16_t, 16> inputs{};
  bool operator==(const GameMessage&) const = default;
  MSGPACK_DEFINE(id, x, y, z, name, inputs)

  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, x, y, z, name, inputs);
  }
};

/// Numbers of one type and nothing else.
struct Pose {
  float px = 0, py = 0, pz = 0, vx = 0, vy = 0, vz = 0, ax = 0, ay = 0, az = 0;
  float qx = 0, qy = 0, qz = 0, qw = 0, rx = 0, ry = 0, rz = 0;
  bool operator==(const Pose&) const = default;
  MSGPACK_DEFINE(px, py, pz, vx, vy, vz, ax, ay, az, qx, qy, qz, qw, rx, ry, rz)

  template <class Archive>
  void serialize(Archive& archive) {
    archive(px, py, pz, vx, vy, vz, ax, ay, az, qx, qy, qz, qw, rx, ry, rz);
  }
};

struct Point {
  float x = 0, y = 0, z = 0;
  bool operator==(const Point&) const = default;
  MSGPACK_DEFINE(x, y, z)

  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y, z);
  }
};

struct Cloud {
  std::vector<Point> points;
  bool operator==(const Cloud&) const = default;
  MSGPACK_DEFINE(points)

  template <class Archive>
  void serialize(Archive& archive) {
    archive(points);
  }
};

/// Numbers in a row, as sound or a height map has them.
struct Samples {
  std::vector<float> values;
  bool operator==(const Samples&) const = default;
  MSGPACK_DEFINE(values)

  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

/// Memory for an encoded object, as large as any.
class PlainMemory {
 public:
  std::byte* take(std::size_t size) {
    if (size > memory_.size()) throw std::length_error("there is no room for the object");
    size_ = size;
    return memory_.data();
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {memory_.data(), size_}; }

 private:
  std::vector<std::byte> memory_ = std::vector<std::byte>(4 << 20);
  std::size_t size_ = 0;
};

/// A vector to which an encoded object is appended.
class VectorMemory {
 public:
  std::byte* take(std::size_t size) {
    bytes_.clear();
    bytes_.resize(size);
    return bytes_.data();
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

// By hand: the fields one after the other, sizes checked, nothing else.

inline std::byte* put(std::byte* at, const void* from, std::size_t size) {
  std::memcpy(at, from, size);
  return at + size;
}
inline const std::byte* get(const std::byte* at, void* into, std::size_t size) {
  std::memcpy(into, at, size);
  return at + size;
}
[[noreturn]] inline void fail_short() {
  throw std::runtime_error("the bytes end");
}

template <class Memory>
void encode_by_hand(const GameMessage& message, Memory& memory) {
  if (message.name.size() > 127) throw std::length_error("the name is too long");
  std::byte* at = memory.take(17 + message.name.size() + sizeof(message.inputs));
  at = put(at, &message.id, 4);
  at = put(at, &message.x, 12);
  *at++ = static_cast<std::byte>(message.name.size());
  at = put(at, message.name.data(), message.name.size());
  put(at, message.inputs.data(), sizeof(message.inputs));
}

inline void decode_by_hand(std::span<const std::byte> bytes, GameMessage& message) {
  if (bytes.size() < 17) fail_short();
  const std::byte* at = get(bytes.data(), &message.id, 4);
  at = get(at, &message.x, 12);
  const auto length = std::to_integer<std::size_t>(*at++);
  if (bytes.size() != 17 + length + sizeof(message.inputs)) fail_short();
  message.name.assign(reinterpret_cast<const char*>(at), length);
  get(at + length, message.inputs.data(), sizeof(message.inputs));
}

template <class Memory>
void encode_by_hand(const Pose& pose, Memory& memory) {
  put(memory.take(sizeof(pose)), &pose, sizeof(pose));
}

inline void decode_by_hand(std::span<const std::byte> bytes, Pose& pose) {
  if (bytes.size() != sizeof(pose)) fail_short();
  get(bytes.data(), &pose, sizeof(pose));
}

template <class T, class Memory>
void encode_row_by_hand(const std::vector<T>& row, Memory& memory) {
  const std::size_t size = row.size() * sizeof(T);
  const auto count = static_cast<std::uint32_t>(row.size());
  std::byte* at = put(memory.take(4 + size), &count, 4);
  put(at, row.data(), size);
}

template <class T>
void decode_row_by_hand(std::span<const std::byte> bytes, std::vector<T>& row) {
  std::uint32_t count = 0;
  if (bytes.size() < 4) fail_short();
  const std::byte* at = get(bytes.data(), &count, 4);
  if (bytes.size() != 4 + count * sizeof(T)) fail_short();
  row.resize(count);
  get(at, row.data(), bytes.size() - 4);
}

template <class Memory>
void encode_by_hand(const Cloud& cloud, Memory& memory) {
  encode_row_by_hand(cloud.points, memory);
}

inline void decode_by_hand(std::span<const std::byte> bytes, Cloud& cloud) {
  decode_row_by_hand(bytes, cloud.points);
}

template <class Memory>
void encode_by_hand(const Samples& samples, Memory& memory) {
  encode_row_by_hand(samples.values, memory);
}

inline void decode_by_hand(std::span<const std::byte> bytes, Samples& samples) {
  decode_row_by_hand(bytes, samples.values);
}

}  // namespace bench
