// SPDX-License-Identifier: MIT
#include "zmq_socket.hpp"

#include <cerrno>
#include <stdexcept>

namespace bench {

void demand_zmq(bool worked, const std::string& call) {
  if (!worked) throw std::runtime_error(call + ": " + zmq_strerror(zmq_errno()));
}

ZmqSocket::ZmqSocket(int type) : context_(zmq_ctx_new()), socket_(nullptr) {
  demand_zmq(context_ != nullptr, "zmq_ctx_new");
  socket_ = zmq_socket(context_, type);
  demand_zmq(socket_ != nullptr, "zmq_socket");
}

ZmqSocket::~ZmqSocket() {
  zmq_close(socket_);
  zmq_ctx_term(context_);
}

std::string ZmqSocket::bind() {
  demand_zmq(zmq_bind(socket_, "tcp://127.0.0.1:*") == 0, "zmq_bind");
  char address[64];
  std::size_t size = sizeof address;
  demand_zmq(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, address, &size) == 0, "zmq_getsockopt");
  return address;
}

void ZmqSocket::connect(const std::string& address) {
  demand_zmq(zmq_connect(socket_, address.c_str()) == 0, "zmq_connect");
}

}  // namespace bench
