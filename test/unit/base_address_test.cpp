// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <tickwire/address.hpp>

using namespace std::string_view_literals;
using tickwire::Address;
using tickwire::ErrorCode;

TEST_CASE("address: its parts are taken apart") {
  struct Case {
    std::string_view text, scheme, host;
    std::uint16_t port;
    std::string_view path, query;
  };
  const Case cases[] = {
      {"enet://127.0.0.1:7777", "enet", "127.0.0.1", 7777, "", ""},
      {"tcp://example.org:0", "tcp", "example.org", 0, "", ""},
      {"tls://a:65535", "tls", "a", 65535, "", ""},
      {"tcp://[::1]:7777", "tcp", "::1", 7777, "", ""},
      {"tcp://[::]:1", "tcp", "::", 1, "", ""},
      {"tcp://[fe80::1%eth0]:1", "tcp", "fe80::1%eth0", 1, "", ""},
      {"tcp://[2001:db8:0:1:2:3:4:ffff]:1", "tcp", "2001:db8:0:1:2:3:4:ffff", 1, "", ""},
      {"tcp://[::ffff:10.0.0.1]:1", "tcp", "::ffff:10.0.0.1", 1, "", ""},
      {"tcp://[1:2:3:4:5:6:7::]:1", "tcp", "1:2:3:4:5:6:7::", 1, "", ""},
      {"tcp://[1:2:3:4:5:6:7.8.9.10]:1", "tcp", "1:2:3:4:5:6:7.8.9.10", 1, "", ""},
      {"raw+tcp://mail.example.org:25", "raw+tcp", "mail.example.org", 25, "", ""},
      {"memory://lobby", "memory", "lobby", 0, "", ""},
      {"memory://lobby-2_b.c%20/x?y", "memory", "lobby-2_b.c%20", 0, "/x", "y"},
      {"tcp://h:1/", "tcp", "h", 1, "/", ""},
      {"tcp://h:1/a/b?c=d&e=/f?g", "tcp", "h", 1, "/a/b", "c=d&e=/f?g"},
      {"tcp://h:1?x=[::1]:2", "tcp", "h", 1, "", "x=[::1]:2"},
      {"tcp://h:00080", "tcp", "h", 80, "", ""},
      {"x-1.y://h:1", "x-1.y", "h", 1, "", ""},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const auto address = Address::parse(each.text);
    REQUIRE(address);
    CHECK(address->scheme == each.scheme);
    CHECK(address->host == each.host);
    CHECK(address->port == each.port);
    CHECK(address->path == each.path);
    CHECK(address->query == each.query);

    const auto again = Address::parse(address->to_string());
    REQUIRE(again);
    CHECK(*again == *address);
    CHECK(again->to_string() == address->to_string());
  }
}

TEST_CASE("address: the text form is the one that was read") {
  for (const char* text :
       {"enet://127.0.0.1:7777", "tcp://[::1]:7777", "memory://lobby", "tls://h:1/a?b"}) {
    CHECK(Address::parse(text)->to_string() == text);
  }
}

TEST_CASE("address: what is none is refused, with the reason") {
  struct Case {
    std::string_view text, reason;
  };
  const std::string long_host = "tcp://" + std::string(254, 'a') + ":1";
  const std::string long_text = "tcp://h:1/" + std::string(3000, 'a');
  const Case cases[] = {
      {"", "should look like"},
      {"enet", "should look like"},
      {"enet:", "should look like"},
      {"enet:/127.0.0.1:1", "should look like"},
      {"127.0.0.1:7777", "should look like"},
      {"localhost", "should look like"},
      {"://h:1", "scheme"},
      {"://", "scheme"},
      {"TCP://h:1", "scheme"},
      {"Tcp://h:1", "scheme"},
      {"1tcp://h:1", "scheme"},
      {"+tcp://h:1", "scheme"},
      {"t cp://h:1", "scheme"},
      {" tcp://h:1", "scheme"},
      {"t\xc3\xa4p://h:1", "scheme"},
      {"tcp://", "host"},
      {"tcp://:80", "host"},
      {"tcp:///path", "host"},
      {"tcp://?query", "host"},
      {"tcp://a b:1", "host"},
      {"tcp://user@h:1", "host"},
      {"tcp://h#x:1", "host"},
      {"tcp://h\\x:1", "host"},
      {"tcp://\"h\":1", "host"},
      {"tcp://<h>:1", "host"},
      {"tcp://h]:1", "host"},
      {"tcp://h\xc3\xb6st:1", "host"},
      {"tcp://::1", "brackets"},
      {"tcp://::1:7777", "brackets"},
      {"tcp://fe80::1", "brackets"},
      {"tcp://1:2:3", "brackets"},
      {"tcp://[::1", "]"},
      {"tcp://[", "]"},
      {"tcp://[]:1", "IPv6"},
      {"tcp://[:]:1", "IPv6"},
      {"tcp://[:::]:1", "IPv6"},
      {"tcp://[::::]:1", "IPv6"},
      {"tcp://[1::2::3]:1", "IPv6"},
      {"tcp://[1:2]:1", "IPv6"},
      {"tcp://[1:2:3:4:5:6:7]:1", "IPv6"},
      {"tcp://[1:2:3:4:5:6:7:8:9]:1", "IPv6"},
      {"tcp://[1:2:3:4:5:6:7:8::]:1", "IPv6"},
      {"tcp://[:1:2:3:4:5:6:7:8]:1", "IPv6"},
      {"tcp://[1:2:3:4:5:6:7:]:1", "IPv6"},
      {"tcp://[12345::]:1", "IPv6"},
      {"tcp://[g::]:1", "IPv6"},
      {"tcp://[1.2.3.4]:1", "IPv6"},
      {"tcp://[::1.2.3]:1", "IPv6"},
      {"tcp://[::1.2.3.4.5]:1", "IPv6"},
      {"tcp://[::1.2.3.256]:1", "IPv6"},
      {"tcp://[::1.2..4]:1", "IPv6"},
      {"tcp://[::1.2.3.4:5]:1", "IPv6"},
      {"tcp://[1.2.3.4::]:1", "IPv6"},
      {"tcp://[::1%]:1", "IPv6"},
      {"tcp://[::1%eth/0]:1", "]"},
      {"tcp://[::1%e h]:1", "IPv6"},
      {"tcp://[host]:1", "IPv6"},
      {"tcp://h", "port is missing"},
      {"tcp://127.0.0.1", "port is missing"},
      {"tcp://[::1]", "port is missing"},
      {"tcp://h/path:1", "port is missing"},
      {"tcp://h:", "port is not a number"},
      {"tcp://h:/", "port is not a number"},
      {"tcp://h:x", "port is not a number"},
      {"tcp://h:1x", "port is not a number"},
      {"tcp://h:-1", "port is not a number"},
      {"tcp://h:+1", "port is not a number"},
      {"tcp://h: 1", "port is not a number"},
      {"tcp://h:1 ", "port is not a number"},
      {"tcp://h:0x10", "port is not a number"},
      {"tcp://h:65536", "port is not a number"},
      {"tcp://h:99999999999999999999", "port is not a number"},
      {"tcp://[::1]7777", "port is not a number"},
      {"tcp://[::1]x:7777", "port is not a number"},
      {"memory://", "host"},
      {"memory://lobby:", "no port"},
      {"memory://lobby:1", "no port"},
      {"memory://a b", "host"},
      {"tcp://h:1\n", "control character"},
      {"tcp://h:1/\x1b[31m", "control character"},
      {"tcp://h:1?\x7f", "control character"},
      {"tcp://h\0:1"sv, "control character"},
      {long_host, "host"},
      {long_text, "too long"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const auto address = Address::parse(each.text);
    REQUIRE_FALSE(address);
    CHECK(address.error().code == ErrorCode::invalid_address);
    const std::string message = address.error().message();
    CAPTURE(message);
    CHECK(message.find(each.reason) != std::string::npos);
    CHECK(message.size() < 200);
    CHECK(message.back() == '.');
    for (const char c : message)
      CHECK(static_cast<unsigned char>(c) >= ' ');
  }
}

TEST_CASE("address: a host of 253 characters is taken") {
  CHECK(Address::parse("tcp://" + std::string(253, 'a') + ":1"));
}
