// SPDX-License-Identifier: MIT
#include <asio.hpp>

#include "support/ping.hpp"
#include "support/process.hpp"

/// A message there and back over Asio: `async_read_some`, and inside its handler a write that
/// leaves at once, since one small message always finds room.
namespace {

using asio::ip::tcp;

/// One end; `Answer` is called with a frame that was received and says whether it goes on.
template <class Answer>
class End {
 public:
  End(const bench::PingOptions& options, tcp::socket& socket, Answer answer)
      : frame_(options), socket_(socket), answer_(std::move(answer)) {
    socket_.set_option(tcp::no_delay(true));
  }

  void read_next() {
    const auto space = frame_.space();
    socket_.async_read_some(asio::buffer(space.data(), space.size()),
                            [this](const asio::error_code& error, std::size_t bytes) {
                              if (error) throw asio::system_error(error);
                              if (!frame_.received(bytes)) return read_next();
                              if (!answer_(frame_)) return;
                              write();
                              read_next();
                            });
  }
  void write() { asio::write(socket_, asio::buffer(frame_.bytes().data(), frame_.bytes().size())); }
  [[nodiscard]] bench::PingFrame& frame() noexcept { return frame_; }

 private:
  bench::PingFrame frame_;
  tcp::socket& socket_;
  Answer answer_;
};

/// Until no handler is left.
void run(const bench::PingOptions& options, asio::io_context& io) {
  if (!options.spins()) {
    io.run();
    return;
  }
  while (!io.stopped())
    io.poll();
}

void pong(const bench::PingOptions& options, std::uint16_t port) {
  asio::io_context io(ASIO_CONCURRENCY_HINT_UNSAFE);
  tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  End end(options, socket, [](bench::PingFrame&) { return true; });
  end.read_next();
  run(options, io);
}

void ping(const bench::PingOptions& options, asio::io_context& io, tcp::socket& socket,
          bench::RoundTrips& trips) {
  End end(options, socket, [&](bench::PingFrame& frame) {
    trips.take(frame.message());
    if (trips.is_finished()) return false;
    bench::put_stamp(trips.next(), frame.message());
    return true;
  });
  bench::put_stamp(trips.next(), end.frame().message());
  end.write();
  end.read_next();
  run(options, io);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "asio"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    asio::io_context io(ASIO_CONCURRENCY_HINT_UNSAFE);
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    const std::uint16_t port = acceptor.local_endpoint().port();
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      pong(options, port);
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    tcp::socket socket = acceptor.accept();
    ping(options, io, socket, trips);
    answering.end();
    trips.report("a frame of 4 bytes of length and the message, async_read_some and write");
  });
}
