// SPDX-License-Identifier: MIT
#include "nng_end.hpp"

#include <cstring>
#include <stdexcept>

namespace bench {

void demand_nng(int result, const std::string& call) {
  if (result != 0) throw std::runtime_error(call + ": " + nng_strerror(result));
}

NngSocket::NngSocket(int (*open)(nng_socket*)) {
  demand_nng(open(&socket_), "opening a socket of nng");
}

NngSocket::~NngSocket() {
  nng_msg_free(received_);
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

void NngSocket::send(std::span<const std::byte> message) {
  nng_msg* made = nullptr;
  demand_nng(nng_msg_alloc(&made, message.size()), "nng_msg_alloc");
  std::memcpy(nng_msg_body(made), message.data(), message.size());
  // From here on it is nng's, unless that fails.
  const int result = nng_sendmsg(socket_, made, 0);
  if (result != 0) nng_msg_free(made);
  demand_nng(result, "nng_sendmsg");
}

std::span<const std::byte> NngSocket::receive() {
  nng_msg_free(received_);
  received_ = nullptr;
  demand_nng(nng_recvmsg(socket_, &received_, 0), "nng_recvmsg");
  return {static_cast<const std::byte*>(nng_msg_body(received_)), nng_msg_len(received_)};
}

}  // namespace bench
