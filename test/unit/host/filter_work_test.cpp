// SPDX-License-Identifier: MIT
#include "lib/host/filter_work.hpp"

#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "lib/session/payload_access.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"

/// What a filtered payload looks like, and what hostile ones come to.
using namespace tickwire;
using namespace tickwire::detail;

namespace {

/// Writes its mark behind the message.
class Mark final : public Filter {
 public:
  explicit Mark(char mark) : mark_(mark) {}
  [[nodiscard]] std::string_view name() const noexcept override { return {&mark_, 1}; }
  [[nodiscard]] FilterNeed need() const noexcept override { return FilterNeed::required; }
  [[nodiscard]] std::size_t room_bytes(std::size_t bytes) const noexcept override {
    return bytes + 1;
  }
  [[nodiscard]] std::optional<std::size_t> apply(std::span<const std::byte> message,
                                                 std::span<std::byte> into) override {
    if (!message.empty()) std::memcpy(into.data(), message.data(), message.size());
    into[message.size()] = static_cast<std::byte>(mark_);
    return message.size() + 1;
  }
  [[nodiscard]] bool undo(std::span<const std::byte> transformed,
                          std::span<std::byte> into) override {
    if (transformed.size() != into.size() + 1) return false;
    if (transformed.back() != static_cast<std::byte>(mark_)) return false;
    if (!into.empty()) std::memcpy(into.data(), transformed.data(), into.size());
    return true;
  }

 private:
  char mark_;
};

/// Throws as it is undone.
template <class Exception>
class Thrower final : public Filter {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "thrower"; }
  [[nodiscard]] FilterNeed need() const noexcept override { return FilterNeed::required; }
  [[nodiscard]] std::size_t room_bytes(std::size_t bytes) const noexcept override {
    return bytes + 1;
  }
  [[nodiscard]] std::optional<std::size_t> apply(std::span<const std::byte> message,
                                                 std::span<std::byte> into) override {
    std::memcpy(into.data(), message.data(), message.size());
    return message.size();
  }
  [[nodiscard]] bool undo(std::span<const std::byte>, std::span<std::byte>) override {
    throw Exception();
  }
};

struct Broken : std::exception {};

struct Bench {
  FilterWork::List list{std::make_shared<Mark>('a'), std::make_shared<Mark>('b')};
  test::CountingResource memory;
  PoolOwner pool{&memory};
  FilterWork work{list, *pool};
  AgreedFilters agreed{{1, 0}, 2};   // b, then a
  ErrorCode code = ErrorCode::none;  // of the last one undone

  [[nodiscard]] std::string applied(std::string_view text) {
    OutMessage message;
    message.body.payload = std::as_bytes(std::span(text));
    CHECK(work.apply(agreed, message) == ErrorCode::none);
    CHECK(message.body.is_filtered);
    CHECK(message.unfiltered_bytes == text.size());
    const auto payload = message.body.payload;
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
  }
  [[nodiscard]] std::optional<std::string> undone(std::string_view payload,
                                                  std::size_t limit = 1000) {
    Event event;
    BufferRef block = (*pool).allocate(payload.size());
    std::memcpy(block.bytes(), payload.data(), payload.size());
    const std::span<const std::byte> bytes(block.bytes(), payload.size());
    PayloadAccess::fill(event.payload, block.detach(), bytes, {});
    code = work.undo(agreed, limit, event);
    if (code != ErrorCode::none) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(event.bytes().data()), event.bytes().size());
  }
};

}  // namespace

TEST_CASE("a filtered payload says what was applied, and the sizes before, the last first") {
  Bench bench;
  CHECK(bench.applied("text") == std::string("\x03\x05\x04"
                                             "textba"));
  CHECK(bench.undone(std::string("\x03\x05\x04"
                                 "textba")) == "text");
  CHECK(bench.undone(std::string("\x01\x04"
                                 "textb")) == "text");
  CHECK(bench.undone(std::string("\x02\x04"
                                 "texta")) == "text");
  CHECK(bench.undone(bench.applied("")) == "");
}

TEST_CASE("a filtered payload that was tampered with is refused") {
  Bench bench;
  using std::string;
  CHECK_FALSE(bench.undone(""));
  CHECK_FALSE(
      bench.undone(string("\x00"
                          "text",
                          5)));  // by nothing
  CHECK_FALSE(
      bench.undone(string("\x04\x04"
                          "textb")));             // by a filter not agreed on
  CHECK_FALSE(bench.undone(string("\x03\x05")));  // a size is missing
  CHECK_FALSE(bench.undone(string("\x01\x80")));  // half a size
  CHECK_FALSE(
      bench.undone(string("\x01\x05"
                          "textb")));  // sizes that are not true
  CHECK_FALSE(
      bench.undone(string("\x03\x05\x05"
                          "textba")));
  CHECK_FALSE(
      bench.undone(string("\x01\x04"
                          "texta")));  // another's
  CHECK_FALSE(
      bench.undone(string("\x01\xff\xff\xff\xff\x0f"
                          "b")));  // 4 GiB
  CHECK(bench.undone(string("\x01\x04"
                            "textb"),
                     4));
  CHECK_FALSE(bench.undone(string("\x01\x04"
                                  "textb"),
                           3));
  bench.agreed.count = 0;
  CHECK_FALSE(
      bench.undone(string("\x01\x04"
                          "textb")));
}

TEST_CASE("a filtered payload that there is no memory for is not called wrong") {
  Bench bench;
  const std::string payload = bench.applied(std::string(500'000, 'x'));
  REQUIRE(bench.undone(payload, 1'000'000));
  // Room for the payload that the test makes, and not for what comes of it.
  Bench poor;
  poor.memory.leave(800'000);
  CHECK_FALSE(poor.undone(payload, 1'000'000));
  CHECK(poor.code == ErrorCode::out_of_resources);
  poor.memory.lift_limit();
  CHECK(poor.undone(payload, 1'000'000));
  CHECK_FALSE(poor.undone(payload, 1000));
  CHECK(poor.code == ErrorCode::protocol_violation);
}

TEST_CASE("a filter that throws as it is undone ends the connection, and says which it was") {
  test::PairOptions options;
  ErrorCode wanted = ErrorCode::protocol_violation;
  std::shared_ptr<Filter> filter = std::make_shared<Thrower<Broken>>();
  SUBCASE("anything") {}
  SUBCASE("for want of memory") {
    filter = std::make_shared<Thrower<std::bad_alloc>>();
    wanted = ErrorCode::out_of_resources;
  }
  options.server.filters = options.client.filters = {filter};
  test::HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  REQUIRE(test::send_text(pair.caller, "x"));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.last(EventType::disconnected).error.code == wanted);
  CHECK(pair.server.log.messages() == 0);
}
