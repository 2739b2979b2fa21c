// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cereal/types/vector.hpp>
#include <chrono>
#include <concepts>
#include <optional>
#include <stdexcept>
#include <string>
#include <tickwire/tickwire.hpp>
#include <utility>
#include <vector>

#include "support/process.hpp"
#include "support/stream.hpp"
#include "support/tickwire_host.hpp"
#include "support/tickwire_payloads.hpp"

/// A stream over Tickwire: objects or bytes in by `send`, out of `poll` decoded.
namespace {

using namespace std::chrono_literals;
using tickwire::EventType;

/// A large thing.
struct Block {
  std::uint64_t near = 0;
  std::vector<std::byte> data;
  std::uint64_t far = 0;
};
template <class Archive>
void serialize(Archive& archive, Block& block) {
  archive(block.near, block.data, block.far);
}
TICKWIRE_MESSAGE(Block, "bench.block");

/// Sends and takes large objects, decoded into one that keeps its memory.
class Blocks {
 public:
  static constexpr EventType event_type = EventType::object_received;
  static constexpr const char* one_message =
      "an object with a vector of bytes, send(object) in, event->read(object) out of poll()";

  explicit Blocks(std::size_t message_bytes) {
    block_.data.resize(message_bytes - 2 * bench::Stamp::bytes);
  }
  tickwire::Result<tickwire::MessageId> send(tickwire::Connection connection,
                                             const bench::Stamp& stamp) {
    block_.near = stamp.near;
    block_.far = stamp.far;
    return connection.send(block_);
  }
  bench::Stamp take(const tickwire::Event& event) {
    if (event.read(block_) != tickwire::ErrorCode::none)
      throw std::runtime_error("A block does not decode.");
    return {block_.near, block_.far};
  }

 private:
  Block block_;
};

/// Sends large messages from where they lie: as the peers without objects do, it fills in the stamp
/// alone.
class Buffers {
 public:
  static constexpr EventType event_type = EventType::data_received;
  static constexpr const char* one_message =
      "make_send_buffer and send_bytes in, event->bytes() out of poll()";

  Buffers(std::size_t message_bytes, tickwire::Host& host)
      : host_(host), message_bytes_(message_bytes) {}
  tickwire::Result<tickwire::MessageId> send(tickwire::Connection connection,
                                             const bench::Stamp& stamp) {
    if (buffer_.bytes().empty()) {
      auto made = host_.make_send_buffer(message_bytes_);
      if (!made) return made.error();
      buffer_ = std::move(*made);
    }
    bench::put_stamp(stamp, buffer_.bytes());
    return connection.send_bytes(std::move(buffer_));
  }
  bench::Stamp take(const tickwire::Event& event) { return bench::stamp_of(event.bytes()); }

 private:
  tickwire::Host& host_;
  std::size_t message_bytes_;
  tickwire::SendBuffer buffer_;
};

template <class Kind>
Kind make_kind(const bench::StreamOptions& options, tickwire::Host& host) {
  if constexpr (std::constructible_from<Kind, std::size_t, tickwire::Host&>)
    return Kind(options.message_bytes, host);
  else
    return Kind(options.message_bytes);
}

tickwire::HostConfig config_for(const bench::StreamOptions& options, const bench::TlsFiles* files,
                                tickwire::EventMask events) {
  tickwire::HostConfig config = bench::host_config(files);
  config.events = events;
  // A few messages wait at each end, not more than the caches like.
  auto& limits = config.limits;
  limits.max_message_bytes = options.message_bytes + 1024;
  limits.max_send_queue_bytes = std::max<std::size_t>(512 * 1024, 4 * limits.max_message_bytes);
  limits.receive_window_bytes = std::max<std::size_t>(1024 * 1024, 4 * limits.max_message_bytes);
  config.timeouts.linger = 10s;
  if (options.datagrams == "usual") config.enet.datagrams = tickwire::DatagramSize::usual;
  config.enet.segmentation_offload = !options.one_by_one;
  return config;
}

/// Until the connection has ended, and the pass in which it did: only then the other end is told.
void wait_for_end(tickwire::Host& host) {
  for (bool ended = false;;) {
    const auto event = host.wait_for(ended ? 0s : 1s);
    if (!event && ended) return;
    ended = ended || (event && event->type == EventType::disconnected);
  }
}

template <class Kind>
void send_stream(const bench::StreamOptions& options, const bench::TlsFiles* files,
                 const std::string& url) {
  tickwire::Host host(config_for(options, files, tickwire::EventMask::none()));
  const auto dialled = host.connect(url);
  if (!dialled) bench::throw_error(dialled.error());
  const auto connection = host.wait_connected(*dialled, 5s);
  if (!connection) bench::throw_error(connection.error());

  Kind kind = make_kind<Kind>(options, host);
  bench::StreamSource source(options);
  const std::size_t burst = std::max<std::size_t>(1, options.batch_bytes / options.message_bytes);
  while (!source.is_finished()) {
    for (std::size_t i = 0; i < burst && !source.is_finished(); ++i) {
      const bench::Stamp stamp = source.next();
      for (auto sent = kind.send(*connection, stamp); !sent; sent = kind.send(*connection, stamp)) {
        if (sent.error().code != tickwire::ErrorCode::send_queue_full)
          bench::throw_error(sent.error());
        if (const auto event = host.wait_for(10ms)) bench::expect_life(*event);
      }
    }
    while (const auto event = host.poll())
      bench::expect_life(*event);
  }
  connection->close();  // once all is acknowledged
  wait_for_end(host);
}

template <class Kind>
void receive_stream(const bench::StreamOptions& options, tickwire::Host& host,
                    bench::StreamSink& sink) {
  Kind kind = make_kind<Kind>(options, host);
  while (!sink.is_finished()) {
    auto event = host.poll();
    if (!event) event = host.wait_for(1s);
    if (!event) continue;
    bench::expect_life(*event);
    if (event->type == Kind::event_type) sink.take(kind.take(*event));
  }
  wait_for_end(host);
}

template <class Kind>
void run(const bench::StreamOptions& options) {
  std::optional<bench::TlsFiles> made;
  if (bench::is_encrypted(options.scheme)) made.emplace();
  const bench::TlsFiles* const files = made ? &*made : nullptr;
  const bench::TextPipe url;
  bench::Child sender([&] { send_stream<Kind>(options, files, url.receive()); });

  tickwire::Host host(config_for(options, files, Kind::event_type));
  url.send(bench::listen_on_loopback(host, options.scheme));
  bench::StreamSink sink;
  receive_stream<Kind>(options, host, sink);
  sender.join();
  sink.report(options, bench::encryption_of(options.scheme), Kind::one_message);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "tickwire"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    if (options.payload == "bytes") return run<bench::Bytes>(options);
    if (options.payload == "buffer") return run<Buffers>(options);
    if (options.message_bytes < 1024) return run<bench::Moves>(options);
    run<Blocks>(options);
  });
}
