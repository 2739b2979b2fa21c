// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <optional>
#include <tickwire/address.hpp>

namespace tickwire {
namespace {

constexpr std::size_t kMaxTextBytes = 2048;
constexpr std::size_t kMaxHostBytes = 253;  // a DNS name, RFC 1035

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
}

Error bad(std::string_view text, std::string_view why) {
  constexpr std::size_t shown_bytes = 80;
  std::string shown(text.substr(0, shown_bytes));
  if (text.size() > shown_bytes) shown += "...";
  // It may end up in a log or on a terminal.
  std::replace_if(shown.begin(), shown.end(), is_control, '?');
  return {ErrorCode::invalid_address, 0,
          "'" + shown + "' is not an address: " + std::string(why) + "."};
}

bool is_scheme(std::string_view scheme) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  return !scheme.empty() && scheme.front() >= 'a' && scheme.front() <= 'z' &&
         std::all_of(scheme.begin(), scheme.end(), allowed);
}

bool is_host(std::string_view host) {
  const auto allowed = [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("/?#@:[]\\\"<>").find(c) == std::string_view::npos;
  };
  return !host.empty() && host.size() <= kMaxHostBytes &&
         std::all_of(host.begin(), host.end(), allowed);
}

bool is_hex_group(std::string_view group) {
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  return !group.empty() && group.size() <= 4 && std::all_of(group.begin(), group.end(), is_hex);
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    const std::string_view digits = text.substr(0, dot);
    std::uint8_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || stop != end || digits.size() > 3) return false;
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  return true;
}

// The groups of one side of a "::", or of an address without one: how many, or nothing if one of
// them is none. An IPv4 address may stand for the last two.
std::optional<std::size_t> count_groups(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool is_last = colon == std::string_view::npos;
    if (is_last && is_ipv4(group)) return count + 2;
    if (!is_hex_group(group)) return std::nullopt;
    ++count;
    if (is_last) return count;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return count;
}

bool is_zone(std::string_view zone) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  };
  return !zone.empty() && zone.size() <= 16 && std::all_of(zone.begin(), zone.end(), allowed);
}

bool is_ipv6(std::string_view host) {
  if (const auto percent = host.find('%'); percent != std::string_view::npos) {
    if (!is_zone(host.substr(percent + 1))) return false;
    host = host.substr(0, percent);
  }
  const auto gap = host.find("::");
  if (gap == std::string_view::npos) return count_groups(host) == 8u;
  const auto left = count_groups(host.substr(0, gap));
  const auto right = count_groups(host.substr(gap + 2));
  // An IPv4 part may only come last, so never before the gap.
  return left && right && *left + *right < 8 &&
         host.substr(0, gap).find('.') == std::string_view::npos;
}

bool read_port(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stop == end;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  if (text.size() > kMaxTextBytes) return bad(text, "it is too long");
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    return bad(text, "it should look like enet://127.0.0.1:7777");
  }
  Address address;
  address.scheme = text.substr(0, scheme_end);
  if (!is_scheme(address.scheme)) {
    return bad(text, "the scheme is missing or has a character it cannot have");
  }

  std::string_view rest = text.substr(scheme_end + 3);
  if (std::any_of(rest.begin(), rest.end(), is_control)) {
    return bad(text, "it has a control character");
  }
  if (const auto at = rest.find('?'); at != std::string_view::npos) {
    address.query = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  if (const auto at = rest.find('/'); at != std::string_view::npos) {
    address.path = rest.substr(at);
    rest = rest.substr(0, at);
  }

  const bool bracketed = !rest.empty() && rest.front() == '[';
  const auto host_end = bracketed ? rest.find(']') : rest.rfind(':');
  if (bracketed && host_end == std::string_view::npos) return bad(text, "a ] is missing");
  address.host = bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  std::string_view port_text;
  if (host_end != std::string_view::npos) port_text = rest.substr(host_end + (bracketed ? 1 : 0));

  if (bracketed ? !is_ipv6(address.host) : !is_host(address.host)) {
    if (bracketed) return bad(text, "what stands in brackets is no IPv6 address");
    return bad(text, address.host.find(':') != std::string::npos
                         ? "an IPv6 address stands in brackets, as in tcp://[::1]:7777"
                         : "the host is missing or has a character it cannot have");
  }
  if (address.scheme == "memory") {
    return port_text.empty() ? Result<Address>(std::move(address))
                             : bad(text, "a memory address has a name and no port");
  }
  if (port_text.empty()) return bad(text, "the port is missing");
  if (port_text.front() != ':' || !read_port(port_text.substr(1), address.port)) {
    return bad(text, "the port is not a number from 0 to 65535");
  }
  return address;
}

std::string Address::to_string() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string text = scheme + "://" + (is_v6 ? "[" + host + "]" : host);
  if (scheme != "memory") text += ":" + std::to_string(port);
  text += path;
  if (!query.empty()) text += "?" + query;
  return text;
}

}  // namespace tickwire
