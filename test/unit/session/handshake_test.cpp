// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/packet_kit.hpp"

/// Who comes in, and what is said to those who do not.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::HandshakeSelf;
using detail::SessionState;
using test::ByteKit;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

struct HelloParts {
  std::string magic = "TKIW";
  std::uint32_t lowest = 2;
  std::uint32_t highest = 2;
  std::string application = "test/1";
  std::string schema{};
  std::uint32_t window_bytes = 1 << 20;
  std::uint32_t channels = 8;
  Bytes extensions{};
};

Bytes hello(const HelloParts& parts) {
  return ByteKit()
      .text(parts.magic)
      .u8(parts.lowest)
      .u8(parts.highest)
      .block(parts.application)
      .block(parts.schema)
      .u32(parts.window_bytes)
      .u32(1000)
      .u8(parts.channels)
      .bytes(parts.extensions);
}

/// What an accepting session makes of a HELLO: its state, and the code of its refusal.
struct Verdict {
  SessionState state;
  std::optional<ErrorCode> refusal;
  std::string name;
};

Verdict judge(const Bytes& body) {
  SessionEnd end(SessionPair::settings(Direction::accepted), TimePoint(1h));
  end.session.link_up(SessionPair::traits);
  test::inject(end, test::control_packet().record(0x10, body));
  Verdict verdict{end.session.state(), {}, end.session.name()};
  for (const Bytes& packet : test::flushed(end)) {
    if (packet.at(4) != std::byte{0x12}) continue;
    verdict.refusal = static_cast<ErrorCode>(std::to_integer<unsigned>(packet.at(6)) |
                                             std::to_integer<unsigned>(packet.at(7)) << 8);
  }
  end.take_events();
  CHECK(end.events.empty());
  CHECK(end.session.was_refused() == verdict.refusal.has_value());
  return verdict;
}

bool is_welcome(const HelloParts& parts) {
  return judge(hello(parts)).state == SessionState::welcoming;
}

ErrorCode refusal(const HelloParts& parts) {
  const Verdict verdict = judge(hello(parts));
  CHECK(verdict.state == SessionState::ended);
  return verdict.refusal.value_or(ErrorCode::none);
}

/// The error in which a dialled session ends that is answered so.
Error answer(std::uint32_t kind, const Bytes& body) {
  SessionEnd end(SessionPair::settings(Direction::dialled), TimePoint(1h));
  end.session.link_up(SessionPair::traits);
  static_cast<void>(test::flushed(end));
  test::inject(end, test::control_packet().record(kind, body));
  end.take_events();
  REQUIRE(end.events.size() == 1);
  CHECK(end.events.front().type == EventType::error);
  return end.events.front().error;
}

Bytes refuse_body(ErrorCode code, const std::string& reason = {}) {
  return ByteKit()
      .u16(static_cast<std::uint32_t>(code))
      .u8(3)
      .u8(4)
      .block("theirs\n")
      .block("schema")
      .block(reason);
}

}  // namespace

TEST_CASE("a greeting of this version, application and window is welcome") {
  CHECK(is_welcome({}));
  CHECK(is_welcome({.schema = "any"}));
  CHECK(is_welcome({.lowest = 0, .highest = 255}));
  CHECK(is_welcome({.window_bytes = 128 * 1024}));
  CHECK(is_welcome({.channels = 255}));
}

TEST_CASE("versions that do not meet are refused, whatever the rest looks like") {
  CHECK(refusal({.lowest = 3, .highest = 9}) == ErrorCode::version_mismatch);
  CHECK(refusal({.lowest = 0, .highest = 1}) == ErrorCode::version_mismatch);
  const Bytes strange = ByteKit().text("TKIW").u8(7).u8(8).text("what do I know of version 7?");
  CHECK(judge(strange).refusal == ErrorCode::version_mismatch);
}

TEST_CASE("another application is refused") {
  CHECK(refusal({.application = "test/2"}) == ErrorCode::application_mismatch);
  CHECK(refusal({.application = ""}) == ErrorCode::application_mismatch);
}

TEST_CASE("what is no greeting ends the session without an answer") {
  const auto is_garbage = [](const Bytes& body) {
    const Verdict verdict = judge(body);
    return verdict.state == SessionState::ended && !verdict.refusal;
  };
  CHECK(is_garbage({}));
  CHECK(is_garbage(hello({.magic = "HTTP"})));
  CHECK(is_garbage(hello({.lowest = 3, .highest = 2})));
  CHECK(is_garbage(hello({.application = std::string(65, 'a')})));
  CHECK(is_garbage(hello({.schema = std::string(65, 's')})));
  CHECK(is_garbage(hello({.window_bytes = 128 * 1024 - 1})));
  CHECK(is_garbage(hello({.channels = 0})));
  const Bytes whole = hello({});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(is_garbage(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
  }
}

TEST_CASE("extensions that are not known are skipped, unless they are critical") {
  const Bytes optional = ByteKit().u16(0x7fff).block("whatever").u16(0x0002).block("");
  CHECK(is_welcome({.extensions = optional}));
  const Bytes critical = ByteKit().u16(0x8001).block("must");
  CHECK(refusal({.extensions = critical}) == ErrorCode::unsupported_extension);
  const Bytes broken = ByteKit().u16(0x0002).varint(100).text("short");
  CHECK(judge(hello({.extensions = broken})).state == SessionState::ended);
}

TEST_CASE("a name of 64 bytes is taken, a longer one is not, and the last one counts") {
  const std::string longest(64, 'n');
  CHECK(judge(hello({.extensions = ByteKit().u16(1).block(longest)})).name == longest);
  CHECK(judge(hello({.extensions = ByteKit().u16(1).block(longest + "n")})).state ==
        SessionState::ended);
  CHECK(judge(hello({.extensions = ByteKit().u16(1).block("a").u16(1).block("b")})).name == "b");
}

TEST_CASE("of a name, what a terminal would obey is not told to the program") {
  const std::string name("\x1b[2J\nadmin\xff\0 \u00e4", 15);
  CHECK(judge(hello({.extensions = ByteKit().u16(1).block(name)})).name == "?[2J?admin?? \u00e4");
}

TEST_CASE("a ticket of 768 bytes is shown to the program, a longer one is not taken") {
  const auto shown = [](std::size_t bytes) {
    std::size_t seen = 0;
    auto settings = SessionPair::settings(Direction::accepted);
    settings.start.authenticate = [&](const HandshakeSelf& dialler) -> Result<void> {
      seen = dialler.ticket.size();
      return {};
    };
    SessionEnd end(settings, TimePoint(1h));
    end.session.link_up(SessionPair::traits);
    const Bytes ticket = ByteKit().u16(5).block(std::string(bytes, 't'));
    test::inject(end, test::control_packet().record(0x10, hello({.extensions = ticket})));
    CHECK((end.session.state() == SessionState::welcoming) == (bytes <= 768));
    return seen;
  };
  CHECK(shown(1) == 1);
  CHECK(shown(768) == 768);
  CHECK(shown(769) == 0);
}

TEST_CASE("a welcome that is broken, of another version or cut short ends the call") {
  CHECK(answer(0x11, {}).code == ErrorCode::protocol_violation);
  CHECK(answer(0x11, ByteKit().u8(3).u32(1 << 20).u32(1000).u8(8)).code ==
        ErrorCode::protocol_violation);
  CHECK(answer(0x11, ByteKit().u8(2).u32(1000).u32(1000).u8(8)).code ==
        ErrorCode::protocol_violation);
  CHECK(answer(0x11, ByteKit().u8(2).u32(1 << 20).u32(1000).u8(0)).code ==
        ErrorCode::protocol_violation);
  CHECK(answer(0x11, ByteKit().bytes(test::welcome_body()).u16(0x8000).block("")).code ==
        ErrorCode::unsupported_extension);
}

TEST_CASE(
    "a list of filters that is too long, double, cut short or of an unknown need is refused") {
  const auto state = [](const Bytes& list) {
    return judge(hello({.extensions = ByteKit().u16(0x0004).block(list)})).state;
  };
  CHECK(state(ByteKit().u8(0).block("a").u8(0).block("b").u8(0).block("c").u8(0).block("d")) ==
        SessionState::welcoming);
  CHECK(state(ByteKit().u8(0).block(std::string(32, 'n'))) == SessionState::welcoming);
  const Bytes five =
      ByteKit().u8(0).block("a").u8(0).block("b").u8(0).block("c").u8(0).block("d").u8(0).block(
          "e");
  CHECK(state(five) == SessionState::ended);
  CHECK(state(ByteKit().u8(0).block("a").u8(0).block("a")) == SessionState::ended);
  CHECK(state(ByteKit().u8(0)) == SessionState::ended);
  CHECK(state(ByteKit().u8(2).block("a")) == SessionState::ended);
  CHECK(state(ByteKit().u8(0).block(std::string(33, 'n'))) == SessionState::ended);
  const Bytes one = ByteKit().u16(0x0004).block(ByteKit().u8(0).block("a"));
  CHECK(judge(hello({.extensions = ByteKit().bytes(one).bytes(one)})).state == SessionState::ended);
}

TEST_CASE("who demands a filter that the acceptor lacks is refused") {
  const auto offer = [](FilterNeed need) {
    return HelloParts{.extensions = ByteKit().u16(0x0004).block(
                          ByteKit().u8(static_cast<std::uint32_t>(need)).block("zip"))};
  };
  CHECK(is_welcome(offer(FilterNeed::optional)));
  CHECK(refusal(offer(FilterNeed::required)) == ErrorCode::filter_mismatch);
}

TEST_CASE("filters that a welcome agrees to must have been offered, in that order") {
  using detail::FilterName;
  const std::vector<FilterName> own{
      {"a", FilterNeed::optional}, {"b", FilterNeed::required}, {"c", FilterNeed::optional}};
  const auto agreed = [&](const std::vector<FilterName>& names) {
    return detail::take_agreed_filters(names, own);
  };
  const auto both = agreed({{"a", {}}, {"b", {}}});
  REQUIRE(both);
  CHECK(*both == detail::AgreedFilters{{0, 1}, 2});
  CHECK(agreed({{"b", {}}, {"a", {}}}).error().code == ErrorCode::protocol_violation);
  CHECK(agreed({{"b", {}}, {"d", {}}}).error().code == ErrorCode::protocol_violation);
  CHECK(agreed({{"b", {}}, {"b", {}}}).error().code == ErrorCode::protocol_violation);
  CHECK(agreed({{"a", {}}, {"c", {}}}).error().code == ErrorCode::filter_mismatch);
  CHECK(answer(0x11, ByteKit()
                         .bytes(test::welcome_body())
                         .u16(0x0004)
                         .block(ByteKit().u8(0).block("nobody's")))
            .code == ErrorCode::protocol_violation);
}

TEST_CASE("a refusal is told in words that name both ends, without control characters") {
  const Error version = answer(0x12, refuse_body(ErrorCode::version_mismatch));
  CHECK(version.code == ErrorCode::version_mismatch);
  CHECK(version.message() ==
        "The other end speaks wire versions 3 to 4, this program speaks version 2.");
  CHECK(answer(0x12, refuse_body(ErrorCode::application_mismatch)).message() ==
        "The other end runs 'theirs?', this program is 'test/1'.");
  const Error words = answer(0x12, refuse_body(ErrorCode::refused_by_application, "no\x1b[2J"));
  CHECK(words.code == ErrorCode::refused_by_application);
  CHECK(words.message() == "The other end refused: 'no?[2J'.");
  const auto shown = [](const char* reason) {
    return answer(0x12, refuse_body(ErrorCode::refused_by_application, reason)).message();
  };
  CHECK(shown("sch\xc3\xb6n").find("'sch\xc3\xb6n'") != std::string::npos);
  CHECK(shown("\xc2\x9b"
              "2J")
            .find("'?2J'") != std::string::npos);  // another escape
  CHECK(shown("sch\xf6n").find("'sch?n'") != std::string::npos);
  const Bytes with_code =
      ByteKit().bytes(refuse_body(ErrorCode::refused_by_application, "no")).u16(0x1001);
  CHECK(answer(0x12, with_code).system_code == 0x1001);
  CHECK(words.system_code == 0);
  const Bytes refused = refuse_body(ErrorCode::refused_by_application, "no");
  CHECK(answer(0x12, ByteKit().bytes(refused).u16(0x0fff)).system_code == 0);
  CHECK(answer(0x12, ByteKit().bytes(refused).u8(1)).code == ErrorCode::protocol_violation);
  CHECK(answer(0x12, refuse_body(ErrorCode::server_full)).code == ErrorCode::server_full);
}

TEST_CASE("a refusal by a code that makes no sense is a refusal all the same") {
  for (const unsigned code : {0u, 3003u, 1001u, 65535u}) {
    CAPTURE(code);
    CHECK(answer(0x12, refuse_body(static_cast<ErrorCode>(code), "x")).code ==
          ErrorCode::connection_refused);
  }
  CHECK(answer(0x12, ByteKit().u16(3007)).code == ErrorCode::protocol_violation);
  CHECK(answer(0x12, refuse_body(ErrorCode::server_full, std::string(201, 'r'))).code ==
        ErrorCode::protocol_violation);
}

TEST_CASE("greetings out of turn end the connection") {
  const auto ends = [](Direction direction, std::uint32_t kind, const Bytes& body) {
    SessionEnd end(SessionPair::settings(direction), TimePoint(1h));
    test::forge_open(end, direction);
    test::inject(end, test::control_packet().record(kind, body));
    end.take_events();
    return end.count(EventType::disconnected) == 1 &&
           end.events.back().error.code == ErrorCode::protocol_violation;
  };
  for (const Direction direction : {Direction::dialled, Direction::accepted}) {
    CAPTURE(static_cast<int>(direction));
    CHECK(ends(direction, 0x10, test::hello_body()));
    CHECK(ends(direction, 0x11, test::welcome_body()));
    CHECK(ends(direction, 0x12, refuse_body(ErrorCode::server_full)));
    CHECK(ends(direction, 0x14, ByteKit().text("opaque")));
  }
  CHECK(ends(Direction::dialled, 0x13, {}));
}

TEST_CASE("the dialling end is as good as told when data or control overtakes its READY") {
  for (const Bytes& packet :
       {Bytes(test::reliable_packet(0, 0).record(0x02, ByteKit().text("early"))),
        Bytes(test::control_packet().record(0x32, ByteKit().u32(1)))}) {
    SessionEnd end(SessionPair::settings(Direction::accepted), TimePoint(1h));
    end.session.link_up(SessionPair::traits);
    test::inject(end, test::control_packet().record(0x10, test::hello_body()));
    static_cast<void>(test::flushed(end));
    test::inject(end, packet);
    CHECK(end.session.is_open());
    test::inject(end, test::control_packet().record(0x13, {}));
    CHECK(end.session.is_open());
    end.take_events();
    CHECK(end.count(EventType::connected) == 1);
  }
}

TEST_CASE("data before any greeting ends the session, and a stray datagram is only counted") {
  SessionEnd end(SessionPair::settings(Direction::accepted), TimePoint(1h));
  end.session.link_up(SessionPair::traits);
  using detail::wire::PacketLane;
  test::inject(end, test::data_packet(PacketLane::unreliable, 0, 0).record(0x02, {}));
  CHECK(end.session.state() == SessionState::greeting);
  CHECK(end.session.stats().drops.early_packets == 1);
  test::inject(end, test::reliable_packet(0, 0).record(0x02, {}));
  CHECK(end.session.state() == SessionState::ended);
  CHECK(end.events.empty());
}

TEST_CASE("what each end may send is what the other announced") {
  SessionEnd end(SessionPair::settings(Direction::dialled), TimePoint(1h));
  end.session.link_up(SessionPair::traits);
  static_cast<void>(test::flushed(end));
  test::inject(
      end, test::control_packet().record(0x11, ByteKit().u8(2).u32(128 * 1024).u32(5000).u8(3)));
  REQUIRE(end.session.is_open());
  CHECK(end.send(std::string(5000, 'x'), Delivery::reliable, 2) == ErrorCode::none);
  CHECK(end.send(std::string(5001, 'x'), Delivery::reliable, 2) == ErrorCode::message_too_large);
  CHECK(end.send("x", Delivery::reliable, 3) == ErrorCode::no_such_channel);
  for (int i = 0; i < 40; ++i)
    CHECK(end.send(std::string(5000, 'x'), Delivery::reliable, 2) == ErrorCode::none);
  static_cast<void>(test::flushed(end));
  CHECK(end.session.stats().bytes_sent < 128 * 1024 + 2000);
  test::inject(end, test::control_packet().record(0x31, ByteKit().u64(1 << 20)));
  static_cast<void>(test::flushed(end));
  CHECK(end.session.stats().queued_bytes == 0);
}
