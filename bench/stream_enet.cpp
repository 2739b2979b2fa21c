// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "support/enet_end.hpp"
#include "support/process.hpp"
#include "support/stream.hpp"

/// A stream over ENet alone. Several packets are queued before each call that sends and receives,
/// so that a datagram carries many small ones.
namespace {

constexpr std::uint32_t kWaitMilliseconds = 1000;
constexpr std::size_t kSmallMessageBytes = 4096;
constexpr std::uint32_t kLargeMtuBytes = 4092;
constexpr std::uint32_t kReliable = ENET_PACKET_FLAG_RELIABLE;
constexpr std::byte kFiller{0x5a};

/// Packets that are sent again once ENet has let go of them: it frees none that somebody else holds
/// a reference to.
///
/// Shape: as many as are on their way at once, at most. Small messages are written anew each time,
///        as a program would; a large one lies there and is only stamped.
class PacketRing {
 public:
  explicit PacketRing(const bench::StreamOptions& options)
      : message_(options.message_bytes, kFiller), flags_(bench::enet_flags(options.delivery)) {
    // What ENet's window of 64 KiB holds: it looks through all that wait beyond that again and
    // again. Two large ones, so that there is no gap between them.
    const std::size_t count = std::max<std::size_t>(2, options.batch_bytes / message_.size());
    for (std::size_t i = 0; i < count; ++i) {
      packets_.emplace_back(enet_packet_create(message_.data(), message_.size(), flags_));
      ++packets_.back()->referenceCount;
    }
  }

  [[nodiscard]] bool has_room() const { return packets_[at_]->referenceCount == 1; }

  /// The next packet. The last one of a stream always arrives.
  ///
  /// Pre: there is room.
  [[nodiscard]] ENetPacket* fill(bench::StreamSource& source) {
    ENetPacket* const packet = packets_[at_].get();
    at_ = (at_ + 1) % packets_.size();
    const auto bytes = std::as_writable_bytes(std::span(packet->data, packet->dataLength));
    if (bytes.size() <= kSmallMessageBytes)
      std::memcpy(bytes.data(), message_.data(), bytes.size());
    bench::put_stamp(source.next(), bytes);
    packet->flags = source.is_finished() ? kReliable : flags_;
    return packet;
  }

 private:
  std::vector<std::byte> message_;
  std::uint32_t flags_;
  std::vector<bench::EnetPacket> packets_;
  std::size_t at_ = 0;
};

/// What a host's datagrams hold at most; nothing: ENet's own 1,392 bytes.
std::uint32_t mtu_of(const bench::StreamOptions& options) {
  return options.datagrams == "large" ? kLargeMtuBytes : 0;
}

/// Sends until the time is up, and then goes on until it is ended: what was lost is sent again.
[[noreturn]] void send_stream(const bench::StreamOptions& options, std::uint16_t port) {
  PacketRing ring(options);  // outlives those that let go of its packets
  bench::EnetEnd enet(port, mtu_of(options));
  bench::StreamSource source(options);
  while (!source.is_finished()) {
    while (!source.is_finished() && ring.has_room())
      enet.send(ring.fill(source));
    enet.flush();
    if (!ring.has_room()) enet.wait_readable();
    if (enet.service(0)) throw std::runtime_error("The receiver says something.");
  }
  for (;;)
    static_cast<void>(enet.service(kWaitMilliseconds));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "enet", .scheme = "enet"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::TextPipe port;
    bench::Child sender(
        [&] { send_stream(options, static_cast<std::uint16_t>(std::stoi(port.receive()))); });

    bench::EnetEnd enet(bench::EnetEnd::listen, mtu_of(options));
    port.send(std::to_string(enet.port()));
    enet.wait_connected();
    const bool is_reliable = options.delivery == "reliable";
    bench::StreamSink sink(is_reliable ? bench::Loss::fails : bench::Loss::counts);
    while (!sink.is_finished()) {
      if (const auto packet = enet.service(kWaitMilliseconds)) sink.take(bench::bytes_of(*packet));
    }
    sender.end();
    sink.report(options, "none",
                "a packet, many to a service call in, one for each enet_host_service out");
  });
}
