// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <tickwire/codec.hpp>
#include <tickwire/host.hpp>

#include "conversation.hpp"
#include "protocol.hpp"

namespace voice_test {

inline tickwire::HostConfig protocol_host(Conversation& talk) {
  tickwire::HostConfig config = talk.host();
  config.application = voice::application;
  config.channels = voice::channels();
  config.limits.max_message_bytes = voice::max_message_bytes;
  return config;
}

/// One who speaks the protocol, and says what he likes.
class Stranger {
 public:
  Stranger(Conversation& talk, const std::string& name, const std::string& url = "memory://relay")
      : host_(protocol_host(talk)) {
    const auto called = host_.connect(url, {.name = name});
    REQUIRE(called);
    connection = *called;
    talk.bystanders.push_back([this] { take(); });
    talk.run(std::chrono::milliseconds(50));
  }

  void join(const std::string& room, std::uint64_t seat = 0) {
    CHECK(connection.send(voice::JoinRoom{room, seat}, {.channel = voice::room_channel}));
  }

  tickwire::Connection connection;
  bool is_gone = false;
  std::string why;  ///< he is gone
  std::size_t times_let_in = 0;
  std::size_t news = 0;              ///< of others who came or went
  std::vector<std::uint32_t> heard;  ///< numbers of packets of speech
  std::size_t ends = 0;              ///< of them, those that say that a talker falls silent

 private:
  void take() {
    while (auto event = host_.poll()) {
      if (event->type == tickwire::EventType::disconnected ||
          event->type == tickwire::EventType::error) {
        is_gone = true;
        why = event->error.message();
      }
      if (event->is<voice::RoomJoined>()) ++times_let_in;
      if (event->is<voice::MemberJoined>() || event->is<voice::MemberLeft>()) ++news;
      if (const auto speech = event->as<voice::Speech>()) {
        heard.push_back(speech->sequence);
        ends += speech->opus.empty() ? 1 : 0;
      }
    }
  }

  tickwire::Host host_;
};

}  // namespace voice_test
