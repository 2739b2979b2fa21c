// SPDX-License-Identifier: MIT
#include "uv_stream.hpp"

#include <exception>
#include <stdexcept>

namespace bench {
namespace {

uv_buf_t buffer_of(std::span<const std::byte> bytes) {
  // libuv's buffers are for both directions; what is written is not changed.
  auto* const base = reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()));
  return uv_buf_init(base, static_cast<unsigned>(bytes.size()));
}

template <class Handle>
uv_stream_t* stream_of(Handle& handle) {
  return reinterpret_cast<uv_stream_t*>(&handle);
}

}  // namespace

void demand_uv(int status, const std::string& call) {
  if (status < 0) throw std::runtime_error(call + ": " + uv_strerror(status));
}

UvStream::UvStream(Socket socket) {
  demand_uv(uv_loop_init(&loop_), "uv_loop_init");
  demand_uv(uv_tcp_init(&loop_, &tcp_), "uv_tcp_init");
  demand_uv(uv_tcp_open(&tcp_, socket.release()), "uv_tcp_open");
  demand_uv(uv_tcp_nodelay(&tcp_, 1), "uv_tcp_nodelay");
  tcp_.data = this;
}

UvStream::~UvStream() {
  uv_close(reinterpret_cast<uv_handle_t*>(&tcp_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
}

void UvStream::read(Space space, Received received) {
  space_ = std::move(space);
  received_ = std::move(received);
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer = buffer_of(static_cast<UvStream*>(handle->data)->space_());
  };
  const auto take = [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
    auto& self = *static_cast<UvStream*>(stream->data);
    self.guard([&] {
      demand_uv(static_cast<int>(count < 0 ? count : 0), "uv_read");
      if (count > 0 && !self.stopped_) self.received_(static_cast<std::size_t>(count));
    });
  };
  demand_uv(uv_read_start(stream_of(tcp_), allocate, take), "uv_read_start");
}

void UvStream::write(std::span<const std::byte> bytes, std::function<void()> written) {
  written_ = std::move(written);
  const uv_buf_t buffer = buffer_of(bytes);
  const auto done = [](uv_write_t* request, int status) {
    auto& self = *static_cast<UvStream*>(request->handle->data);
    if (status == UV_ECANCELED) return;  // the destructor's doing
    self.guard([&] {
      demand_uv(status, "uv_write");
      self.written_();
    });
  };
  demand_uv(uv_write(&request_, stream_of(tcp_), &buffer, 1, done), "uv_write");
}

void UvStream::write_now(std::span<const std::byte> bytes) {
  const uv_buf_t buffer = buffer_of(bytes);
  const int written = uv_try_write(stream_of(tcp_), &buffer, 1);
  demand_uv(written, "uv_try_write");
  if (static_cast<std::size_t>(written) != bytes.size())
    throw std::runtime_error("uv_try_write: there is no room for a small message.");
}

void UvStream::run(bool spins) {
  if (spins) {
    while (!stopped_)
      uv_run(&loop_, UV_RUN_NOWAIT);
  } else {
    uv_run(&loop_, UV_RUN_DEFAULT);
  }
  if (!problem_.empty()) throw std::runtime_error(problem_);
}

void UvStream::stop() {
  stopped_ = true;
  uv_stop(&loop_);
}

// No exception may pass through libuv, which is C.
void UvStream::guard(const std::function<void()>& function) noexcept {
  try {
    function();
  } catch (const std::exception& problem) {
    problem_ = problem.what();
    stop();
  }
}

}  // namespace bench
