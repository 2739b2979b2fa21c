// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"

/// The sockets of a host, as the system sees them.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

std::uint16_t local_port(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return address.sin_family == AF_INET ? ntohs(address.sin_port) : std::uint16_t{0};
}

bool is_listening(int descriptor) {
  int listens = 0;
  socklen_t size = sizeof listens;
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

bool is_stream(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/// The internet sockets of this process that are in the open here, one way or the other.
std::vector<int> stream_sockets() {
  std::vector<int> found;
  const auto end = static_cast<int>(test::lowest_free_descriptor()) + 256;
  for (int descriptor = 0; descriptor < end; ++descriptor)
    if (is_stream(descriptor) && local_port(descriptor) != 0) found.push_back(descriptor);
  return found;
}

}  // namespace

TEST_CASE("no stream socket goes on in the programs that this one starts") {
  const std::size_t others = stream_sockets().size();
  HostPair pair(test::tcp_scheme());
  pair.connect();
  const auto sockets = stream_sockets();
  CHECK(sockets.size() == others + 3);  // listening, accepted, dialled
  for (const int socket : sockets)
    CHECK((fcntl(socket, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a listening socket that is lost is told, and its address is no longer among them") {
  HostPair pair(test::tcp_scheme());
  const auto other = pair.server->listen("tcp://127.0.0.1:0");
  REQUIRE(other);
  pair.connect();
  CHECK(pair.server->listening_addresses() == std::vector<Address>{pair.address, *other});
  for (const int socket : stream_sockets()) {
    if (is_listening(socket) && local_port(socket) == pair.address.port) {
      CHECK(::shutdown(socket, SHUT_RDWR) == 0);
    }
  }
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::error) == 1; }));
  const auto told = pair.server.log.last(EventType::error);
  CHECK(told.connection == Connection());
  CHECK(told.error.code == ErrorCode::listener_lost);
  CHECK(told.error.message().find(pair.address.to_string()) != std::string::npos);
  CHECK(pair.server->listening_addresses() == std::vector<Address>{*other});
  // Who is in stays in, and the other one lets others in.
  CHECK(pair.callee.is_open());
  pair.address = *other;
  pair.connect();
  CHECK(pair.server->connections().size() == 2);
  pair.server->close();
  CHECK(pair.server->listening_addresses().empty());
}
