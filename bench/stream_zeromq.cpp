// SPDX-License-Identifier: MIT
#include <zmq.h>

#include <atomic>
#include <deque>
#include <vector>

#include "support/process.hpp"
#include "support/stream.hpp"
#include "support/zmq_socket.hpp"

/// A stream over ZeroMQ: PUSH and PULL, which gather small messages themselves; large ones are sent
/// from where they lie.
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;
constexpr std::size_t kLargeMessages = 4;  ///< on their way at once
constexpr std::byte kFiller{0x5a};

/// Copies each message, as a program does whose small messages are made anew.
void send_small(const bench::StreamOptions& options, bench::ZmqSocket& socket) {
  bench::StreamSource source(options);
  std::vector<std::byte> message(options.message_bytes, kFiller);
  while (!source.is_finished()) {
    bench::put_stamp(source.next(), message);
    bench::demand_zmq(zmq_send(socket.get(), message.data(), message.size(), 0) >= 0, "zmq_send");
  }
}

/// A large message's memory; ZeroMQ's thread gives it back once it has been written.
struct Block {
  explicit Block(std::size_t size) : bytes(size, kFiller) {}
  std::vector<std::byte> bytes;
  std::atomic<bool> is_taken = false;
};

void give_back(void*, void* block) {
  auto& is_taken = static_cast<Block*>(block)->is_taken;
  is_taken = false;
  is_taken.notify_one();
}

void send_large(const bench::StreamOptions& options, bench::ZmqSocket& socket,
                std::deque<Block>& blocks) {
  bench::StreamSource source(options);
  for (std::size_t i = 0; !source.is_finished(); ++i) {
    Block& block = blocks[i % blocks.size()];
    block.is_taken.wait(true);
    block.is_taken = true;
    bench::put_stamp(source.next(), block.bytes);
    zmq_msg_t message;
    bench::demand_zmq(
        zmq_msg_init_data(&message, block.bytes.data(), block.bytes.size(), give_back, &block) == 0,
        "zmq_msg_init_data");
    bench::demand_zmq(zmq_msg_send(&message, socket.get(), 0) >= 0, "zmq_msg_send");
  }
}

void send_stream(const bench::StreamOptions& options, const std::string& address) {
  // They outlive the socket, whose end waits until all is written.
  std::deque<Block> blocks;
  bench::ZmqSocket socket(ZMQ_PUSH);
  socket.connect(address);
  if (options.message_bytes <= kSmallMessageBytes) return send_small(options, socket);
  for (std::size_t i = 0; i < kLargeMessages; ++i)
    blocks.emplace_back(options.message_bytes);
  send_large(options, socket, blocks);
}

void receive_stream(bench::ZmqSocket& socket, bench::StreamSink& sink) {
  bench::ZmqMessage message;
  while (!sink.is_finished()) {
    const int size = zmq_msg_recv(message.get(), socket.get(), 0);
    bench::demand_zmq(size >= 0, "zmq_msg_recv");
    const auto* const bytes = static_cast<const std::byte*>(zmq_msg_data(message.get()));
    sink.take({bytes, static_cast<std::size_t>(size)});
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "zeromq"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::TextPipe address;
    bench::Child sender([&] { send_stream(options, address.receive()); });
    bench::ZmqSocket socket(ZMQ_PULL);
    address.send(socket.bind());
    bench::StreamSink sink;
    receive_stream(socket, sink);
    sender.join();
    sink.report(options, "none", "a message of PUSH in, of PULL out");
  });
}
