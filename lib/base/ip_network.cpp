// SPDX-License-Identifier: MIT
#include "lib/base/ip_network.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace tickwire::detail {
namespace {

constexpr std::size_t kV4Bytes = 4;
constexpr std::uint8_t kMappedBits = 96;

template <class Number>
bool read_all(std::string_view text, Number& value, int base) noexcept {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc() && stop == end;
}

bool read_v4(std::string_view text, std::byte* into) noexcept {
  for (std::size_t part = 0; part < kV4Bytes; ++part) {
    const auto dot = text.find('.');
    const std::string_view digits = text.substr(0, dot);
    std::uint8_t value = 0;
    // A leading zero means octal to some programs and nothing to others.
    const bool is_octal = digits.size() > 1 && digits.front() == '0';
    if (is_octal || digits.size() > 3 || !read_all(digits, value, 10)) return false;
    if ((dot == std::string_view::npos) != (part + 1 == kV4Bytes)) return false;
    into[part] = std::byte{value};
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  return true;
}

// The groups of one side of a "::", or of all. Returns how many bytes they are, or nothing.
std::optional<std::size_t> read_groups(std::string_view text, std::array<std::byte, 16>& into) {
  std::size_t size = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool is_last = colon == std::string_view::npos;
    if (is_last && size + kV4Bytes <= into.size() && read_v4(group, &into[size])) {
      return size + kV4Bytes;
    }
    std::uint16_t value = 0;
    if (size == into.size() || group.size() > 4 || !read_all(group, value, 16)) return std::nullopt;
    into[size++] = static_cast<std::byte>(value >> 8);
    into[size++] = static_cast<std::byte>(value & 0xff);
    if (is_last) return size;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return size;
}

bool read_v6(std::string_view text, std::array<std::byte, 16>& into) {
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) return read_groups(text, into) == into.size();
  std::array<std::byte, 16> tail{};
  const std::string_view head = text.substr(0, gap);
  const auto before = read_groups(head, into);
  const auto behind = read_groups(text.substr(gap + 2), tail);
  // An IPv4 part may only come last, so never before the gap.
  if (!before || !behind || head.find('.') != std::string_view::npos) return false;
  if (*before + *behind >= into.size()) return false;
  std::copy_n(tail.begin(), *behind, into.end() - static_cast<std::ptrdiff_t>(*behind));
  return true;
}

bool is_mapped(const std::array<std::byte, 16>& bytes) noexcept {
  const auto is_zero = [](std::byte each) { return each == std::byte{}; };
  return std::all_of(bytes.begin(), bytes.begin() + 10, is_zero) && bytes[10] == std::byte{0xff} &&
         bytes[11] == std::byte{0xff};
}

std::string v6_text(const std::array<std::byte, 16>& bytes) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] =
        std::to_integer<unsigned>(bytes[2 * i]) << 8 | std::to_integer<unsigned>(bytes[2 * i + 1]);
  }
  // The longest run of two zeros or more, the first of equals.
  std::size_t gap = groups.size(), gap_length = 1;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::size_t length = 0;
    while (i + length < groups.size() && groups[i + length] == 0)
      ++length;
    if (length > gap_length) gap = i, gap_length = length;
  }
  std::string text;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == gap) {
      text += "::";
      i += gap_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    std::array<char, 4> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16);
    text.append(digits.data(), end.ptr);
  }
  return text;
}

Error bad(std::string_view text, const std::string& why) {
  constexpr std::size_t shown_bytes = 60;
  std::string shown(text.substr(0, shown_bytes));
  if (text.size() > shown_bytes) shown += "...";
  // It may end up in a log or on a terminal.
  const auto is_odd = [](char c) { return c < ' ' || c > '~'; };
  std::replace_if(shown.begin(), shown.end(), is_odd, '?');
  return {ErrorCode::invalid_argument, 0, "'" + shown + "' " + why};
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    if (!read_v4(text, address.bytes.data())) return std::nullopt;
    return address;
  }
  address.family = IpFamily::v6;
  if (!read_v6(text.substr(0, text.find('%')), address.bytes)) return std::nullopt;
  if (!is_mapped(address.bytes)) return address;
  IpAddress inner;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), inner.bytes.begin());
  return inner;
}

IpAddress IpAddress::masked(std::uint8_t length) const noexcept {
  IpAddress result = *this;
  for (std::size_t i = 0; i < result.bytes.size(); ++i) {
    const std::size_t before = 8 * i;
    const std::size_t kept = length > before ? std::min<std::size_t>(length - before, 8) : 0;
    result.bytes[i] &= static_cast<std::byte>(0xff00u >> kept);
  }
  return result;
}

std::string IpAddress::to_string() const {
  if (family == IpFamily::v6) return v6_text(bytes);
  std::string text;
  for (std::size_t i = 0; i < kV4Bytes; ++i)
    text += (i > 0 ? "." : "") + std::to_string(std::to_integer<unsigned>(bytes[i]));
  return text;
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = IpAddress::parse(host);
  if (!address || host.find('%') != std::string_view::npos) {
    return bad(text, "is no address or network, as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32 are.");
  }
  IpNetwork network{*address, address->bits()};
  if (slash == std::string_view::npos) return network;
  const bool is_v6_text = host.find(':') != std::string_view::npos;
  unsigned length = 0;
  const std::string_view digits = text.substr(slash + 1);
  const unsigned most = is_v6_text ? 128 : 32;
  const bool is_number = digits.size() <= 3 && read_all(digits, length, 10) && length <= most;
  if (!is_number) {
    return bad(text, "has no length from 0 to " + std::to_string(most) + " behind its slash.");
  }
  if (is_v6_text && address->family == IpFamily::v4) {
    if (length < kMappedBits) return bad(text, "is shorter than the part that makes it IPv4.");
    length -= kMappedBits;
  }
  network.length = static_cast<std::uint8_t>(length);
  network.address = address->masked(network.length);
  if (network.address != *address) {
    return bad(text, "has more bits than its length; the network is " + network.to_string() + ".");
  }
  return network;
}

std::string IpNetwork::to_string() const {
  const std::string text = address.to_string();
  return length == address.bits() ? text : text + "/" + std::to_string(length);
}

}  // namespace tickwire::detail
