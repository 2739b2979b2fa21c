// SPDX-License-Identifier: MIT
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/platform/datagram_block.hpp"

namespace tickwire::detail {

IoResult send_datagram_block(SocketHandle socket, BlockReceiver to,
                             std::span<const std::byte> block,
                             std::size_t datagram_bytes) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = to.host;
  address.sin_port = htons(to.port);
  iovec piece{const_cast<std::byte*>(block.data()), block.size()};  // it serves reading, too

  const auto size = static_cast<std::uint16_t>(datagram_bytes);
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof size)> control{};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const option = CMSG_FIRSTHDR(&message);
  option->cmsg_level = SOL_UDP;
  option->cmsg_type = UDP_SEGMENT;
  option->cmsg_len = CMSG_LEN(sizeof size);
  std::memcpy(CMSG_DATA(option), &size, sizeof size);

  const ssize_t sent = sendmsg(static_cast<int>(socket), &message, MSG_NOSIGNAL);
  if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent), 0};
  const bool is_full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return {is_full ? IoStatus::blocked : IoStatus::failed, 0, errno};
}

}  // namespace tickwire::detail
