// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <streambuf>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>
#include <cereal/archives/binary.hpp>
#include <cereal/archives/portable_binary.hpp>
#include <msgpack.hpp>

#include <tickwire/archive.hpp>

#include "support/codec_messages.hpp"
#include "support/flat_message.hpp"
#include "support/report.hpp"
#include "support/usage.hpp"

/// What it costs to turn an object into bytes and back: Tickwire's archives, Cereal's own, msgpack,
/// FlatBuffers and a program that does it by hand, in turns in one process.
namespace {

using bench::Bytes;

/// Makes the compiler believe that somebody looks at an object, and may change it.
void show(void* object) {
  asm volatile("" : : "g"(object) : "memory");
}

/// One codec with one object, which it encodes again and again, and decodes into another.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual void encode(std::size_t times) = 0;
  /// Pre: `encode` ran.
  virtual void decode(std::size_t times) = 0;
  /// Whether what was decoded is what was encoded.
  [[nodiscard]] virtual bool is_right() const = 0;
  [[nodiscard]] virtual std::size_t encoded_bytes() const = 0;
};

template <class Derived, class T>
class CodecFor : public Codec {
 public:
  explicit CodecFor(T object) : object_(std::move(object)) {}

  void encode(std::size_t times) final {
    for (std::size_t i = 0; i < times; ++i) {
      show(&object_);
      self().encode_one(object_);
      show(&self());
    }
  }
  void decode(std::size_t times) final {
    for (std::size_t i = 0; i < times; ++i) {
      show(&self());
      self().decode_one(decoded_);
      show(&decoded_);
    }
  }
  [[nodiscard]] bool is_right() const final { return object_ == decoded_; }

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
  T object_;
  T decoded_;
};

void expect(bool holds, const char* otherwise) {
  if (!holds) throw std::runtime_error(otherwise);
}

template <class T, class Target>
class Tickwire final : public CodecFor<Tickwire<T, Target>, T> {
 public:
  using CodecFor<Tickwire, T>::CodecFor;
  void encode_one(const T& object) {
    target_.clear();
    expect(tickwire::encode(object, target_).has_value(), "encode failed");
  }
  void decode_one(T& object) {
    expect(tickwire::decode_into(bytes(target_), object).has_value(), "decode failed");
  }
  [[nodiscard]] std::size_t encoded_bytes() const override { return bytes(target_).size(); }

 private:
  static std::span<const std::byte> bytes(const Bytes& vector) { return vector; }
  static std::span<const std::byte> bytes(const tickwire::ByteBuffer& buffer) {
    return buffer.bytes();
  }
  Target target_;
};

template <class T, class Memory>
class ByHand final : public CodecFor<ByHand<T, Memory>, T> {
 public:
  using CodecFor<ByHand, T>::CodecFor;
  void encode_one(const T& object) { bench::encode_by_hand(object, memory_); }
  void decode_one(T& object) { bench::decode_by_hand(memory_.bytes(), object); }
  [[nodiscard]] std::size_t encoded_bytes() const override { return memory_.bytes().size(); }

 private:
  Memory memory_;
};

/// A new string stream for each object, as Cereal's documentation shows.
template <class T, class Output, class Input>
class CerealNew final : public CodecFor<CerealNew<T, Output, Input>, T> {
 public:
  using CodecFor<CerealNew, T>::CodecFor;
  void encode_one(const T& object) {
    std::ostringstream stream;
    {
      Output archive(stream);
      archive(object);
    }
    text_ = std::move(stream).str();
  }
  void decode_one(T& object) {
    std::istringstream stream(text_);
    Input archive(stream);
    archive(object);
  }
  [[nodiscard]] std::size_t encoded_bytes() const override { return text_.size(); }

 private:
  std::string text_;
};

/// One stream and its memory for all objects.
template <class T, class Output, class Input>
class CerealReused final : public CodecFor<CerealReused<T, Output, Input>, T> {
 public:
  using CodecFor<CerealReused, T>::CodecFor;
  void encode_one(const T& object) {
    stream_.clear();
    stream_.seekp(0);
    Output archive(stream_);
    archive(object);
  }
  void decode_one(T& object) {
    stream_.clear();
    stream_.seekg(0);
    Input archive(stream_);
    archive(object);
  }
  [[nodiscard]] std::size_t encoded_bytes() const override { return stream_.view().size(); }

 private:
  std::stringstream stream_;
};

template <class T>
class Msgpack final : public CodecFor<Msgpack<T>, T> {
 public:
  using CodecFor<Msgpack, T>::CodecFor;
  void encode_one(const T& object) {
    buffer_.clear();
    msgpack::pack(buffer_, object);
  }
  void decode_one(T& object) {
    msgpack::unpack(buffer_.data(), buffer_.size()).get().convert(object);
  }
  [[nodiscard]] std::size_t encoded_bytes() const override { return buffer_.size(); }

 private:
  msgpack::sbuffer buffer_;
};

class FlatBuffers final : public CodecFor<FlatBuffers, bench::GameMessage> {
 public:
  using CodecFor::CodecFor;
  void encode_one(const bench::GameMessage& object) { bench::encode_flat(object, builder_); }
  void decode_one(bench::GameMessage& object) {
    bench::decode_flat({builder_.GetBufferPointer(), builder_.GetSize()}, object);
  }
  [[nodiscard]] std::size_t encoded_bytes() const override { return builder_.GetSize(); }

 private:
  flatbuffers::FlatBufferBuilder builder_;
};

struct Peer {
  std::string name;
  std::unique_ptr<Codec> codec;
  std::vector<double> encode_ns{};
  std::vector<double> decode_ns{};
};

template <class T>
std::vector<Peer> peers_for(const T& object) {
  using namespace cereal;
  using BinaryNew = CerealNew<T, BinaryOutputArchive, BinaryInputArchive>;
  using BinaryReused = CerealReused<T, BinaryOutputArchive, BinaryInputArchive>;
  using PortableReused = CerealReused<T, PortableBinaryOutputArchive, PortableBinaryInputArchive>;
  std::vector<Peer> peers;
  const auto add = [&]<class C>(const char* name, std::type_identity<C>) {
    peers.push_back({name, std::make_unique<C>(object)});
  };
  add("tickwire", std::type_identity<Tickwire<T, tickwire::ByteBuffer>>());
  add("tickwire, vector", std::type_identity<Tickwire<T, Bytes>>());
  add("by hand", std::type_identity<ByHand<T, bench::PlainMemory>>());
  add("by hand, vector", std::type_identity<ByHand<T, bench::VectorMemory>>());
  add("cereal binary, new stream", std::type_identity<BinaryNew>());
  add("cereal binary, same stream", std::type_identity<BinaryReused>());
  add("cereal portable, same stream", std::type_identity<PortableReused>());
  add("msgpack", std::type_identity<Msgpack<T>>());
  if constexpr (std::is_same_v<T, bench::GameMessage>)
    add("flatbuffers", std::type_identity<FlatBuffers>());
  return peers;
}

std::vector<Peer> peers_for(const std::string& workload) {
  if (workload == "codec_small") {
    bench::GameMessage message{7, 1.5f, -2, 3, "twelve chars", {}};
    for (std::size_t i = 0; i < message.inputs.size(); ++i)
      message.inputs[i] = static_cast<std::int16_t>(i * 1000);
    return peers_for(message);
  }
  if (workload == "codec_flat") {
    return peers_for(bench::Pose{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  }
  if (workload == "codec_structs") {
    bench::Cloud cloud;
    for (int i = 0; i < 100'000; ++i)
      cloud.points.push_back({static_cast<float>(i), 0.5f, -1});
    return peers_for(cloud);
  }
  if (workload == "codec_floats") {
    bench::Samples samples;
    for (int i = 0; i < 100'000; ++i)
      samples.values.push_back(static_cast<float>(i) / 7);
    return peers_for(samples);
  }
  throw std::runtime_error("no such workload: " + workload);
}

/// Of the processor's time, so that another program's turn does not count.
template <class Work>
double ns_each(std::size_t times, Work work) {
  const std::clock_t begin = std::clock();
  work(times);
  const auto took = static_cast<double>(std::clock() - begin) * 1e9 / CLOCKS_PER_SEC;
  return took / static_cast<double>(times);
}

/// How often a codec runs in a slice of the time.
std::size_t times_in(Codec& codec, double slice_ns) {
  std::size_t times = 1;
  for (;;) {
    const double each = ns_each(times, [&](std::size_t n) { codec.encode(n), codec.decode(n); });
    if (each * static_cast<double>(times) > slice_ns / 2 || times >= 1'000'000) {
      return std::max<std::size_t>(1, static_cast<std::size_t>(slice_ns / each));
    }
    times *= 4;
  }
}

void print(const std::string& workload, const Peer& peer, const char* metric,
           const std::vector<double>& values) {
  bench::Figure figure({.workload = workload,
                        .peer = peer.name,
                        .metric = metric,
                        .value = bench::at_share(values, 0.5),
                        .unit = "ns",
                        .better = "lower"});
  figure.add("message_bytes", peer.codec->encoded_bytes()).add("turns", values.size()).print();
}

/// Takes turns, so that what else happens on the machine meets all alike.
void measure(const std::string& workload, double seconds) {
  constexpr std::size_t kTurns = 50;
  std::vector<Peer> peers = peers_for(workload);
  const double slice_ns = seconds * 1e9 / kTurns;
  std::vector<std::size_t> times;
  for (Peer& peer : peers)
    times.push_back(times_in(*peer.codec, slice_ns));
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      Peer& peer = peers[(i + turn) % peers.size()];
      const std::size_t count = times[(i + turn) % peers.size()];
      peer.encode_ns.push_back(ns_each(count, [&](auto n) { peer.codec->encode(n); }));
      peer.decode_ns.push_back(ns_each(count, [&](auto n) { peer.codec->decode(n); }));
    }
  }
  for (const Peer& peer : peers) {
    expect(peer.codec->is_right(), "what was decoded is not what was encoded");
    print(workload, peer, "encode", peer.encode_ns);
    print(workload, peer, "decode", peer.decode_ns);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string workload = "codec_small";
  double seconds = 1;
  CLI::App app("Measures codecs beside each other, and prints it as lines of JSON.");
  app.add_option("--workload", workload, "codec_small, codec_flat, codec_structs or codec_floats");
  app.add_option("--seconds", seconds, "how long for each codec")->check(CLI::Range(0.01, 600.0));
  CLI11_PARSE(app, argc, argv);
  try {
    measure(workload, seconds);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
