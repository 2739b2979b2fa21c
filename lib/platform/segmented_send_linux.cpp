// SPDX-License-Identifier: MIT
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "lib/platform/segmented_send.hpp"

namespace tickwire::detail {
namespace {

using SegmentSize = std::uint16_t;

/// The option that asks for it, for one message.
struct SegmentOption {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(SegmentSize))> bytes{};

  void write_to(msghdr& message, SegmentSize size) noexcept {
    message.msg_control = bytes.data();
    message.msg_controllen = bytes.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof size);
    std::memcpy(CMSG_DATA(header), &size, sizeof size);
  }
};

}  // namespace

bool can_send_segmented(SocketHandle socket) noexcept {
  int size = 0;
  socklen_t length = sizeof size;
  return getsockopt(static_cast<int>(socket), SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
}

IoResult send_segmented(SocketHandle socket, Ipv4Endpoint to, std::span<const std::byte> bytes,
                        std::size_t segment_bytes) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = to.host;
  address.sin_port = htons(to.port);
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};  // it serves reading, too
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  SegmentOption option;
  if (segment_bytes < bytes.size())
    option.write_to(message, static_cast<SegmentSize>(segment_bytes));

  const ssize_t sent = sendmsg(static_cast<int>(socket), &message, MSG_NOSIGNAL);
  if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent), 0};
  const bool is_full = errno == EAGAIN || errno == EWOULDBLOCK;
  return {is_full ? IoStatus::blocked : IoStatus::failed, 0, errno};
}

}  // namespace tickwire::detail
