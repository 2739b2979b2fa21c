// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_datagram.hpp"

#include <algorithm>

#include "lib/transport/enet/enet_profile.hpp"

namespace tickwire::detail {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint16_t kSentTimeFlag = 1u << 15;
constexpr std::uint16_t kCompressedFlag = 1u << 14;
constexpr std::size_t kChecksumBytes = 4;

enum : std::uint8_t {
  acknowledge = 1,
  connect = 2,
  verify_connect = 3,
  disconnect = 4,
  ping = 5,
  send_reliable = 6,
  send_unsequenced = 9,
};
constexpr std::uint8_t kCommandMask = 0x0f;
constexpr std::uint8_t kAcknowledgeFlag = 0x80;
constexpr std::size_t kConnectBytes = 48;

// Bytes of a command without its data; 0 for one that we do not speak.
std::size_t command_bytes(std::uint8_t command) {
  switch (command) {
    case acknowledge:
    case disconnect:
    case send_unsequenced:
      return 8;
    case connect:
      return kConnectBytes;
    case verify_connect:
      return 44;
    case ping:
      return 4;
    case send_reliable:
      return 6;
    default:
      return 0;
  }
}

std::uint8_t read_8(Bytes bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

std::uint16_t read_16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(read_8(bytes, at) << 8 | read_8(bytes, at + 1));
}

std::uint32_t read_32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(read_16(bytes, at)) << 16 | read_16(bytes, at + 2);
}

// ENet starts from "none" (0xff) and counts in two bits.
bool is_session_id(std::uint8_t id) {
  return id == 0xff || id <= 3;
}

DatagramVerdict read_connect(Bytes command) {
  const bool plausible = command.size() == kConnectBytes &&
                         read_8(command, 0) == (connect | kAcknowledgeFlag) &&
                         read_8(command, 1) == 0xff && read_16(command, 4) < kUnassignedPeer &&
                         is_session_id(read_8(command, 6)) && is_session_id(read_8(command, 7));
  if (!plausible) return {};
  const std::uint32_t mtu = read_32(command, 8);
  const std::uint32_t window = read_32(command, 12);
  const std::uint32_t channels = read_32(command, 16);
  // None of ours limits bandwidth.
  const bool wanted = mtu >= kMinMtuBytes && mtu <= kMaxMtuBytes && window >= kMinEnetWindowBytes &&
                      window <= kMaxEnetWindowBytes && channels >= 1 &&
                      channels <= kMaxConnectChannels && read_32(command, 20) == 0 &&
                      read_32(command, 24) == 0;
  if (!wanted) return {};
  return {DatagramKind::connect, read_32(command, 40), read_32(command, 44)};
}

// Bytes of the first command with its data; 0 when it is not one of ours, or not whole.
std::size_t whole_command_bytes(Bytes rest) {
  const std::uint8_t command = read_8(rest, 0) & kCommandMask;
  const std::size_t fixed = command_bytes(command);
  if (fixed == 0 || fixed > rest.size() || command == connect) return 0;
  if (command != send_reliable && command != send_unsequenced) return fixed;
  const std::size_t data = read_16(rest, fixed - 2);
  if (data == 0 && command == send_reliable) return 0;
  return data > kMaxPacketBytes || data > rest.size() - fixed ? 0 : fixed + data;
}

bool is_padding(Bytes rest) {
  return std::ranges::all_of(rest, [](std::byte each) { return each == std::byte{0}; });
}

bool asks_for_acknowledgement(Bytes rest) {
  return (read_8(rest, 0) & kAcknowledgeFlag) != 0;
}

bool is_traffic(Bytes commands, bool is_timed) {
  for (std::size_t count = 0; !commands.empty(); ++count) {
    if (!is_timed && asks_for_acknowledgement(commands)) return false;
    const std::size_t bytes = count < kMaxCommands ? whole_command_bytes(commands) : 0;
    if (bytes == 0) return count > 0 && is_padding(commands);
    commands = commands.subspan(bytes);
  }
  return true;
}

bool has_time(Bytes datagram) {
  return (read_16(datagram, 0) & kSentTimeFlag) != 0;
}

std::size_t header_bytes(Bytes datagram) {
  return (has_time(datagram) ? 4u : 2u) + kChecksumBytes;
}

}  // namespace

DatagramVerdict inspect_datagram(Bytes datagram) noexcept {
  if (datagram.size() < 2) return {};
  const std::uint16_t peer = read_16(datagram, 0);
  if ((peer & kCompressedFlag) != 0) return {};
  const std::size_t header = header_bytes(datagram);
  if (datagram.size() <= header) return {};

  const Bytes commands = datagram.subspan(header);
  if ((peer & kUnassignedPeer) != kUnassignedPeer) {
    const bool is_ours = is_traffic(commands, has_time(datagram));
    return {is_ours ? DatagramKind::traffic : DatagramKind::malformed, 0, 0};
  }
  return has_time(datagram) ? read_connect(commands) : DatagramVerdict{};
}

std::size_t read_numbers(Bytes datagram, std::span<NumberedCommand, kMaxCommands> into) noexcept {
  using Kind = NumberedCommand::Kind;
  std::size_t count = 0;
  Bytes rest = datagram.subspan(header_bytes(datagram));
  while (!rest.empty()) {
    const std::size_t bytes = whole_command_bytes(rest);
    if (bytes == 0) break;  // padding
    const std::uint8_t command = read_8(rest, 0) & kCommandMask;
    if (command == send_reliable) {
      into[count++] = {Kind::reliable, read_8(rest, 1), read_16(rest, 2)};
    } else if (command == acknowledge) {
      into[count++] = {Kind::acknowledgement, read_8(rest, 1), read_16(rest, 4)};
    }
    rest = rest.subspan(bytes);
  }
  return count;
}

std::size_t addressee(Bytes datagram) noexcept {
  return read_16(datagram, 0) & kUnassignedPeer;
}

}  // namespace tickwire::detail
