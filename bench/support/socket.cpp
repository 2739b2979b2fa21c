// SPDX-License-Identifier: MIT
#include "socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace bench {

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

namespace {

Socket tcp_socket() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw_system_error("socket");
  return Socket(descriptor);
}

void send_at_once(const Socket& socket) {
  const int on = 1;
  if (setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    throw_system_error("setsockopt");
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

}  // namespace

void throw_system_error(std::string_view call) {
  throw std::system_error(errno, std::generic_category(), std::string(call));
}

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Socket listen_on_loopback() {
  Socket listener = tcp_socket();
  const sockaddr_in address = loopback_address(0);
  if (bind(listener.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw_system_error("bind");
  if (listen(listener.descriptor(), 16) != 0) throw_system_error("listen");
  return listener;
}

std::uint16_t port_of(const Socket& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw_system_error("getsockname");
  return ntohs(address.sin_port);
}

Socket accept_one(const Socket& listener) {
  const int descriptor = accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor < 0) throw_system_error("accept");
  Socket socket(descriptor);
  send_at_once(socket);
  return socket;
}

Socket dial_loopback(std::uint16_t port) {
  Socket socket = tcp_socket();
  const sockaddr_in address = loopback_address(port);
  if (connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0)
    throw_system_error("connect");
  send_at_once(socket);
  return socket;
}

EpollStream::EpollStream(Socket socket)
    : socket_(std::move(socket)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_.descriptor() < 0) throw_system_error("epoll_create1");
  if (fcntl(socket_.descriptor(), F_SETFL, O_NONBLOCK) != 0) throw_system_error("fcntl");
  epoll_event event{};
  if (epoll_ctl(epoll_.descriptor(), EPOLL_CTL_ADD, socket_.descriptor(), &event) != 0)
    throw_system_error("epoll_ctl");
}

std::size_t EpollStream::read(std::span<std::byte> into) {
  for (;;) {
    const ssize_t count = recv(socket_.descriptor(), into.data(), into.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (!would_block()) throw_system_error("recv");
    wait(EPOLLIN);
  }
}

void EpollStream::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (would_block()) {
      wait(EPOLLOUT);
    } else {
      throw_system_error("send");
    }
  }
}

void EpollStream::wait(std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  if (events != events_ &&
      epoll_ctl(epoll_.descriptor(), EPOLL_CTL_MOD, socket_.descriptor(), &event) != 0)
    throw_system_error("epoll_ctl");
  events_ = events;
  while (epoll_wait(epoll_.descriptor(), &event, 1, -1) < 0)
    if (errno != EINTR) throw_system_error("epoll_wait");
}

}  // namespace bench
