// SPDX-License-Identifier: MIT
#include "test/fuzz/handshake_fuzz.hpp"

#include <algorithm>

#include "lib/session/handshake.hpp"
#include "lib/session/wire.hpp"
#include "test/fuzz/session_fuzz.hpp"

namespace tickwire::test {
namespace {

const detail::HandshakeSelf kSelf{
    "fuzz", "schema", "", 128 * 1024, 20'000, 4, {{"lz4", FilterNeed::optional}}};

void expect(bool holds, const char* promise) {
  if (!holds) throw BrokenPromise(promise);
}

bool same(const detail::HandshakeSelf& a, const detail::HandshakeSelf& b) {
  return a.application == b.application && a.schema == b.schema && a.name == b.name &&
         a.receive_window_bytes == b.receive_window_bytes &&
         a.max_message_bytes == b.max_message_bytes && a.channels == b.channels &&
         std::ranges::equal(a.filters, b.filters, {}, &detail::FilterName::name,
                            &detail::FilterName::name);
}

bool same(const detail::ResumeWords& a, const detail::ResumeWords& b) {
  if (a.asks != b.asks || a.token.has_value() != b.token.has_value() ||
      a.point.has_value() != b.point.has_value()) {
    return false;
  }
  if (a.token && !a.token->matches(*b.token)) return false;
  return !a.point || (a.point->spent == b.point->spent && a.point->limit == b.point->limit &&
                      a.point->taken == b.point->taken);
}

void check(const detail::HandshakeSelf& self, const detail::ResumeWords& resume) {
  expect(self.name.size() <= detail::kMaxNameBytes, "a name is too long");
  expect(self.application.size() <= detail::kMaxNameBytes, "an application is too long");
  expect(self.filters.size() <= detail::AgreedFilters::max_filters, "it has too many filters");
  expect(self.channels > 0, "it has no channels");
  expect(self.receive_window_bytes >= detail::kMinWindowBytes, "its window is too small");
  expect(!resume.point || resume.point->taken.size() <= 64, "it has too many channels");
}

void read_hello(std::span<const std::byte> body) {
  const auto hello = detail::decode_hello(body);
  if (!hello) return;
  if (const auto refusal = detail::check_hello(*hello, kSelf)) {
    expect(!detail::describe_refusal(*refusal, hello->self).message().empty(), "no words");
  }
  // Of a greeting in another version nothing else is known.
  if (hello->lowest_version > detail::wire::kVersion ||
      hello->highest_version < detail::wire::kVersion) {
    return;
  }
  check(hello->self, hello->resume);
  const auto again = detail::decode_hello(detail::encode_hello(hello->self, hello->resume));
  expect(again.has_value(), "a HELLO cannot be read again");
  expect(same(again->self, hello->self) && same(again->resume, hello->resume),
         "a HELLO changes on its way");
}

void read_welcome(std::span<const std::byte> body) {
  const auto welcome = detail::decode_welcome(body);
  if (!welcome) return;
  check(welcome->self, welcome->resume);
  auto self = welcome->self;
  self.name.clear();  // a WELCOME has none to say
  const auto again = detail::decode_welcome(detail::encode_welcome(self, welcome->resume));
  expect(again.has_value(), "a WELCOME cannot be read again");
  expect(same(again->self, self) && same(again->resume, welcome->resume),
         "a WELCOME changes on its way");
}

void read_refusal(std::span<const std::byte> body) {
  const auto refusal = detail::decode_refusal(body);
  if (!refusal) return;
  expect(!detail::describe_refusal(*refusal, kSelf).message().empty(), "no words");
  const auto again = detail::decode_refusal(detail::encode_refusal(*refusal));
  expect(again.has_value(), "a REFUSE cannot be read again");
  expect(again->code == refusal->code && again->reason == refusal->reason &&
             again->application == refusal->application && again->schema == refusal->schema,
         "a REFUSE changes on its way");
}

}  // namespace

void fuzz_handshake(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const auto body = std::as_bytes(input.subspan(1));
  switch (input.front() % 3) {
    case 0:
      return read_hello(body);
    case 1:
      return read_welcome(body);
    default:
      return read_refusal(body);
  }
}

}  // namespace tickwire::test
