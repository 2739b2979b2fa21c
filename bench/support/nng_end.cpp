// SPDX-License-Identifier: MIT
#include "nng_end.hpp"

#include <cstring>
#include <exception>
#include <stdexcept>

namespace bench {

void demand_nng(int result, const std::string& call) {
  if (result != 0) throw std::runtime_error(call + ": " + nng_strerror(result));
}

NngSocket::NngSocket(int (*open)(nng_socket*)) {
  demand_nng(open(&socket_), "opening a socket of nng");
}

NngSocket::~NngSocket() {
  nng_close(socket_);
}

std::string NngSocket::listen() {
  nng_listener listener{};
  demand_nng(nng_listen(socket_, "tcp://127.0.0.1:0", &listener, 0), "nng_listen");
  int port = 0;
  demand_nng(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), "nng_listener_get_int");
  return "tcp://127.0.0.1:" + std::to_string(port);
}

void NngSocket::dial(const std::string& address) {
  demand_nng(nng_dial(socket_, address.c_str(), nullptr, 0), "nng_dial");
}

void NngSocket::queue_for_sending(int messages) {
  demand_nng(nng_socket_set_int(socket_, NNG_OPT_SENDBUF, messages), "nng_socket_set_int");
}

void NngSocket::send(std::span<const std::byte> bytes) {
  nng_msg* made = nullptr;
  demand_nng(nng_msg_alloc(&made, bytes.size()), "nng_msg_alloc");
  NngMessage message(made);
  std::memcpy(nng_msg_body(made), bytes.data(), bytes.size());
  demand_nng(nng_sendmsg(socket_, made, 0), "nng_sendmsg");
  static_cast<void>(message.release());  // it is nng's now
}

void NngSocket::send_now(NngMessage message) {
  demand_nng(nng_sendmsg(socket_, message.get(), NNG_FLAG_NONBLOCK), "nng_sendmsg");
  static_cast<void>(message.release());
}

NngReceiver::NngReceiver(NngSocket& socket, Take take) : socket_(socket), take_(std::move(take)) {
  const auto call = [](void* self) { static_cast<NngReceiver*>(self)->received(); };
  demand_nng(nng_aio_alloc(&aio_, call, this), "nng_aio_alloc");
}

NngReceiver::~NngReceiver() {
  nng_aio_free(aio_);
}

void NngReceiver::run() {
  nng_recv_aio(socket_.get(), aio_);
  finished_.get_future().get();
}

// No exception may pass through nng, which is C.
void NngReceiver::received() noexcept {
  try {
    demand_nng(nng_aio_result(aio_), "nng_recv_aio");
    if (take_(NngMessage(nng_aio_get_msg(aio_)))) {
      nng_recv_aio(socket_.get(), aio_);
    } else {
      finished_.set_value();
    }
  } catch (...) {
    finished_.set_exception(std::current_exception());
  }
}

}  // namespace bench
