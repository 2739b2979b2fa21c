// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>

#include "test/support/host_pair.hpp"

/// What is sent arrives: every delivery, every size, in order.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

constexpr Delivery kDeliveries[] = {Delivery::reliable, Delivery::sequenced, Delivery::unreliable};

std::vector<std::string> numbered(const std::string& what, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i)
    texts.push_back(what + std::to_string(i));
  return texts;
}

}  // namespace

CONTRACT_CASE("every delivery arrives on every channel, in order within it") {
  HostPair pair(scheme);
  pair.connect();
  for (const Delivery delivery : kDeliveries) {
    CAPTURE(static_cast<int>(delivery));
    pair.server.log.clear();
    for (int i = 0; i < 20; ++i) {
      for (std::uint8_t channel = 0; channel < 8; ++channel) {
        REQUIRE(
            test::send_text(pair.caller, "no " + std::to_string(i), test::with(delivery, channel)));
      }
    }
    REQUIRE(pair.until([&] { return pair.server.log.messages() == 160; }));
    for (std::uint8_t channel = 0; channel < 8; ++channel)
      CHECK(pair.server.log.texts_on(channel) == numbered("no ", 20));
  }
}

CONTRACT_CASE("a channel's own delivery is used where a send names none") {
  PairOptions options;
  options.client.channels[3].delivery = Delivery::sequenced;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  const auto sent = test::send_text(pair.caller, "state", test::on_channel(3));
  REQUIRE(sent);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == 1; }));
  CHECK(pair.client.log.receipt(*sent) == Receipt::handed_over);
}

CONTRACT_CASE("bytes of every size from nothing to 16 MiB arrive unharmed") {
  HostPair pair(scheme);
  pair.connect();
  for (const std::size_t size : {0u, 1u, 2u, 127u, 128u, 1000u, 1100u, 1200u, 1400u, 16'000u,
                                 16'384u, 70'000u, 1'048'576u, 16u * 1024 * 1024}) {
    CAPTURE(size);
    pair.server.log.clear();
    const std::string sent = test::pattern(size);
    REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(sent))));
    REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
    const test::Told& told = pair.server.log.last(EventType::data_received);
    CHECK(told.text.size() == sent.size());
    CHECK((told.text == sent));
  }
}

CONTRACT_CASE("send buffers of every size arrive as they were filled") {
  HostPair pair(scheme);
  pair.connect();
  for (const std::size_t size : {0u, 1u, 1100u, 16'384u, 70'000u, 1'048'576u, 16u * 1024 * 1024}) {
    CAPTURE(size);
    pair.server.log.clear();
    const std::string text = test::pattern(size, 4);
    auto made = pair.client->make_send_buffer(size);
    REQUIRE(made);
    SendBuffer buffer = std::move(*made);
    REQUIRE(buffer.bytes().size() == size);
    // Filled and moved elsewhere, as by a thread that reads a file.
    SendBuffer filled;
    std::thread([&] {
      std::ranges::copy(std::as_bytes(std::span(text)), buffer.bytes().begin());
      filled = std::move(buffer);
    }).join();
    REQUIRE(pair.caller.send_bytes(std::move(filled)));
    CHECK(filled.bytes().empty());
    REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
    CHECK((pair.server.log.last(EventType::data_received).text == text));
  }
}

CONTRACT_CASE("a send buffer that is refused is still the program's, bytes and all") {
  SendBuffer kept;
  {
    HostPair pair(scheme);
    pair.connect();
    CHECK(pair.client->make_send_buffer(16 * 1024 * 1024 + 1).error().code ==
          ErrorCode::message_too_large);
    const std::string text = test::pattern(50'000, 5);
    auto made = pair.client->make_send_buffer(text.size());
    REQUIRE(made);
    kept = std::move(*made);
    std::ranges::copy(std::as_bytes(std::span(text)), kept.bytes().begin());
    const auto refusal = [&](Connection connection, const SendOptions& options) {
      const auto sent = connection.send_bytes(std::move(kept), options);
      CHECK(std::ranges::equal(kept.bytes(), std::as_bytes(std::span(text))));
      return sent ? ErrorCode::none : sent.error().code;
    };
    CHECK(refusal(Connection(), {}) == ErrorCode::not_connected);
    CHECK(refusal(pair.caller, test::on_channel(8)) == ErrorCode::no_such_channel);
    CHECK(refusal(pair.caller, test::with(Delivery::unreliable)) == ErrorCode::message_too_large);
    // One host's goes through another as well.
    REQUIRE(pair.callee.send_bytes(std::move(kept)));
    REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
    CHECK((pair.client.log.last(EventType::data_received).text == text));
    kept = std::move(*pair.client->make_send_buffer(100'000));
  }
  CHECK(kept.bytes().size() == 100'000);  // the host is gone
  std::ranges::fill(kept.bytes(), std::byte{1});
}

CONTRACT_CASE("objects of every size up to 16 MiB arrive unharmed") {
  HostPair pair(scheme);
  pair.connect();
  for (const std::size_t size : {0u, 1u, 1090u, 1500u, 100'000u, 16u * 1024 * 1024 - 8}) {
    CAPTURE(size);
    pair.client.log.clear();
    const std::string sent = test::pattern(size, 2);
    REQUIRE(test::send_text(pair.callee, sent));
    REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
    CHECK((pair.client.log.last(EventType::object_received).text == sent));
  }
}

CONTRACT_CASE("a message above the limit is refused and changes nothing") {
  HostPair pair(scheme);
  pair.connect();
  const std::string large(16 * 1024 * 1024 + 1, 'x');
  const auto code = [&](std::size_t size, const SendOptions& options) {
    const auto sent = pair.caller.send_bytes(std::as_bytes(std::span(large).first(size)), options);
    return sent ? ErrorCode::none : sent.error().code;
  };
  CHECK(code(large.size(), {}) == ErrorCode::message_too_large);
  CHECK(code(1101, test::with(Delivery::sequenced)) == ErrorCode::message_too_large);
  CHECK(code(1101, test::with(Delivery::unreliable)) == ErrorCode::message_too_large);
  CHECK(code(1100, test::with(Delivery::unreliable)) == ErrorCode::none);
  CHECK(code(1100, test::with(Delivery::sequenced)) == ErrorCode::none);
  CHECK(code(1, test::on_channel(8)) == ErrorCode::no_such_channel);
  CHECK(pair.caller.stats().drops.refused_too_large == 3);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }));
}

CONTRACT_CASE("metadata travels beside objects and bytes of every size") {
  HostPair pair(scheme);
  pair.connect();
  SendOptions options;
  options.metadata = {{"room", "kitchen"}, {"hop", 3}, {"open", true}};
  for (const std::size_t size : {0u, 10u, 900u, 50'000u}) {
    CAPTURE(size);
    pair.server.log.clear();
    const std::string text = test::pattern(size, 3);
    REQUIRE(test::send_text(pair.caller, text, options));
    REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(text)), options));
    REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }));
    for (const test::Told& told : pair.server.log.all()) {
      CHECK((told.text == text));
      CHECK(told.metadata == options.metadata);
    }
  }
  options.metadata.set("long", std::string(1100, 'm'));
  const auto refused = test::send_text(pair.caller, "x", [&] {
    SendOptions lossy = options;
    lossy.delivery = Delivery::unreliable;
    return lossy;
  }());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::message_too_large);
}

CONTRACT_CASE("two thousand small messages each way arrive in order, with answers in between") {
  constexpr int count = 2000;
  HostPair pair(scheme);
  pair.connect();
  for (int i = 0; i < count; ++i) {
    REQUIRE(test::send_text(pair.caller, "ask " + std::to_string(i)));
    REQUIRE(test::send_text(pair.callee, "say " + std::to_string(i)));
    if (i % 100 == 0) pair.step();
  }
  REQUIRE(pair.until(
      [&] { return pair.server.log.messages() == count && pair.client.log.messages() == count; }));
  CHECK(pair.server.log.texts() == numbered("ask ", count));
  CHECK(pair.client.log.texts() == numbered("say ", count));
  REQUIRE(pair.until([&] {
    return pair.client.log.count(EventType::data_sent) == count &&
           pair.server.log.count(EventType::data_sent) == count;
  }));
}

CONTRACT_CASE("messages of nothing but a header flow too, however many, under the least window") {
  PairOptions options;
  options.server.limits.receive_window_bytes = 128 * 1024;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  constexpr std::size_t count = 20'000;
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(pair.caller.send_bytes({}));
  CHECK(pair.until([&] { return pair.server.log.messages() == count; }));
}

CONTRACT_CASE("small messages pass a large one on another channel") {
  HostPair pair(scheme);
  pair.connect();
  const std::string large = test::pattern(16 * 1024 * 1024);
  REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(large)), test::on_channel(1)));
  pair.step();
  REQUIRE(test::send_text(pair.caller, "small", test::on_channel(0)));
  REQUIRE(pair.until([&] { return pair.server.log.messages() >= 1; }));
  CHECK(pair.server.log.texts().front() == "small");
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }));
  CHECK((pair.server.log.texts().back() == large));
}
