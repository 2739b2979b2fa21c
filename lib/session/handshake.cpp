// SPDX-License-Identifier: MIT
#include "lib/session/handshake.hpp"

#include <algorithm>

#include <tickwire/connection.hpp>

#include "lib/base/harmless.hpp"
#include "lib/session/wire.hpp"

namespace tickwire::detail {
namespace {

constexpr std::uint32_t kMagic = 0x57494b54;  // "TKIW" in memory
constexpr std::uint16_t kCriticalBit = 0x8000;
constexpr std::uint16_t kNameExtension = 0x0001;
constexpr std::uint16_t kResumeExtension = 0x0002;  // empty, or a token
// Critical: an acceptor that does not know it must not take a return for a first visit.
constexpr std::uint16_t kResumePointExtension = 0x8003;
constexpr std::size_t kMaxResumeChannels = 64;
constexpr std::uint16_t kFiltersExtension = 0x0004;  // a need and a name each
constexpr std::uint16_t kTicketExtension = 0x0005;

class BodyWriter {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  void block(std::string_view text) {
    std::byte length[5];
    const std::byte* end = store_varint(length, static_cast<std::uint32_t>(text.size()));
    bytes_.insert(bytes_.end(), static_cast<const std::byte*>(length), end);
    const auto content = as_bytes(text);
    bytes_.insert(bytes_.end(), content.begin(), content.end());
  }
  void resume(const ResumeWords& words) {
    if (words.asks || words.token) {
      number(kResumeExtension);
      block(words.token ? as_text(words.token->bytes) : std::string_view());
    }
    if (!words.point) return;
    BodyWriter point;
    point.number(words.point->spent);
    point.number(words.point->limit);
    for (const auto& [channel, taken] : words.point->taken) {
      point.number(channel);
      point.number(taken);
    }
    number(kResumePointExtension);
    block(as_text(point.bytes_));
  }
  void filters(const std::vector<FilterName>& filters) {
    if (filters.empty()) return;
    BodyWriter list;
    for (const FilterName& each : filters) {
      list.number(static_cast<std::uint8_t>(each.need));
      list.block(each.name);
    }
    number(kFiltersExtension);
    block(as_text(list.bytes_));
  }
  void parameters(const HandshakeSelf& self) {
    number(self.receive_window_bytes);
    number(self.max_message_bytes);
    number(self.channels);
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

Error violation(std::string_view what) {
  return {ErrorCode::protocol_violation, 0, "The other end sent " + std::string(what) + "."};
}

bool read_text(ByteCursor& cursor, std::string& text, std::size_t limit) {
  const auto bytes = cursor.block();
  if (!cursor.ok() || bytes.size() > limit) return false;
  text = as_text(bytes);
  return true;
}

bool read_parameters(ByteCursor& cursor, HandshakeSelf& self) {
  self.receive_window_bytes = cursor.number<std::uint32_t>();
  self.max_message_bytes = cursor.number<std::uint32_t>();
  self.channels = cursor.number<std::uint8_t>();
  return cursor.ok() && self.channels != 0 && self.receive_window_bytes >= kMinWindowBytes;
}

bool read_resume(std::span<const std::byte> value, ResumeWords& words) {
  words.asks = true;
  if (value.empty()) return true;
  if (value.size() != ResumeToken::size_bytes) return false;
  std::copy(value.begin(), value.end(), words.token.emplace().bytes.begin());
  return true;
}

bool read_resume_point(std::span<const std::byte> value, ResumeWords& words) {
  ByteCursor cursor(value);
  ResumePoint point;
  point.spent = cursor.number<std::uint64_t>();
  point.limit = cursor.number<std::uint64_t>();
  while (cursor.ok() && !cursor.at_end() && point.taken.size() < kMaxResumeChannels) {
    const auto channel = cursor.number<std::uint8_t>();
    point.taken.emplace_back(channel, cursor.number<std::uint32_t>());
  }
  if (!cursor.ok() || !cursor.at_end()) return false;
  words.point = std::move(point);
  return true;
}

bool read_filters(std::span<const std::byte> value, std::vector<FilterName>& filters) {
  ByteCursor cursor(value);
  while (cursor.ok() && !cursor.at_end() && filters.size() < AgreedFilters::max_filters) {
    FilterName& each = filters.emplace_back();
    each.need = static_cast<FilterNeed>(cursor.number<std::uint8_t>());
    const auto earlier = std::span(filters).first(filters.size() - 1);
    if (!read_text(cursor, each.name, kMaxFilterNameBytes) || each.need > FilterNeed::required ||
        std::ranges::count(earlier, each.name, &FilterName::name) > 0) {
      return false;
    }
  }
  return cursor.ok() && cursor.at_end();
}

/// Reads type-length-value extensions to the end.
std::optional<Error> read_extensions(ByteCursor& cursor, HandshakeSelf& self, ResumeWords& resume) {
  while (!cursor.at_end()) {
    const auto type = cursor.number<std::uint16_t>();
    const auto value = cursor.block();
    if (!cursor.ok()) return violation("a broken handshake extension");
    if (type == kNameExtension) {
      if (value.size() > kMaxNameBytes) return violation("a name that is too long");
      self.name = harmless_characters(as_text(value), {}, '?');
    } else if (type == kResumeExtension) {
      if (!read_resume(value, resume)) return violation("a broken resume token");
    } else if (type == kResumePointExtension) {
      if (!read_resume_point(value, resume)) return violation("a broken resume point");
    } else if (type == kFiltersExtension) {
      if (!self.filters.empty() || !read_filters(value, self.filters)) {
        return violation("a broken list of filters");
      }
    } else if (type == kTicketExtension) {
      if (value.size() > kMaxTicketBytes) return violation("a ticket that is too long");
      self.ticket.assign(value.begin(), value.end());
    } else if ((type & kCriticalBit) != 0) {
      return Error{ErrorCode::unsupported_extension, 0,
                   "The other end demands handshake extension " + std::to_string(type) +
                       ", which this build does not know."};
    }
  }
  return std::nullopt;
}

std::string versions(std::uint8_t lowest, std::uint8_t highest) {
  if (lowest == highest) return "version " + std::to_string(lowest);
  return "versions " + std::to_string(lowest) + " to " + std::to_string(highest);
}

std::string in_quotes(std::string_view text) {
  return "'" + harmless_characters(text, {}, '?') + "'";
}

std::optional<std::size_t> place_of(std::string_view name, const std::vector<FilterName>& list) {
  const auto found = std::ranges::find(list, name, &FilterName::name);
  if (found == list.end()) return std::nullopt;
  return static_cast<std::size_t>(found - list.begin());
}

Error lacks_filter(std::string_view name) {
  return {ErrorCode::filter_mismatch, 0,
          "The other end does not have the filter " + in_quotes(name) +
              ", which this program demands."};
}

// One that `who` demands and `other` does not have.
const FilterName* missing_filter(const std::vector<FilterName>& who,
                                 const std::vector<FilterName>& other) {
  for (const FilterName& each : who) {
    if (each.need == FilterNeed::required && !place_of(each.name, other)) return &each;
  }
  return nullptr;
}

}  // namespace

std::vector<std::byte> encode_hello(const HandshakeSelf& self, const ResumeWords& resume) {
  BodyWriter body;
  body.number(kMagic);
  body.number(wire::kVersion);
  body.number(wire::kVersion);
  body.block(self.application);
  body.block(self.schema);
  body.parameters(self);
  if (!self.name.empty()) {
    body.number(kNameExtension);
    body.block(self.name);
  }
  if (!self.ticket.empty()) {
    body.number(kTicketExtension);
    body.block(as_text(self.ticket));
  }
  body.filters(self.filters);
  body.resume(resume);
  return body.take();
}

std::vector<std::byte> encode_welcome(const HandshakeSelf& self, const ResumeWords& resume) {
  BodyWriter body;
  body.number(wire::kVersion);
  body.parameters(self);
  body.filters(self.filters);
  body.resume(resume);
  return body.take();
}

std::vector<std::byte> encode_refusal(const Refusal& refusal) {
  BodyWriter body;
  body.number(static_cast<std::uint16_t>(refusal.code));
  body.number(refusal.lowest_version);
  body.number(refusal.highest_version);
  body.block(refusal.application);
  body.block(refusal.schema);
  body.block(cut_text(refusal.reason, wire::kMaxReasonBytes));
  if (refusal.program_code != 0) body.number(refusal.program_code);
  return body.take();
}

Result<Hello> decode_hello(std::span<const std::byte> body) {
  ByteCursor cursor(body);
  Hello hello;
  if (cursor.number<std::uint32_t>() != kMagic) return violation("no Tickwire greeting");
  hello.lowest_version = cursor.number<std::uint8_t>();
  hello.highest_version = cursor.number<std::uint8_t>();
  if (!cursor.ok() || hello.lowest_version > hello.highest_version) {
    return violation("a broken greeting");
  }
  // What follows is only known to have this form in the versions that this build speaks.
  if (hello.lowest_version > wire::kVersion || hello.highest_version < wire::kVersion) return hello;
  if (!read_text(cursor, hello.self.application, kMaxNameBytes) ||
      !read_text(cursor, hello.self.schema, kMaxNameBytes) ||
      !read_parameters(cursor, hello.self)) {
    return violation("a broken greeting");
  }
  if (auto error = read_extensions(cursor, hello.self, hello.resume)) return *std::move(error);
  return hello;
}

Result<Welcome> decode_welcome(std::span<const std::byte> body) {
  ByteCursor cursor(body);
  Welcome welcome;
  welcome.version = cursor.number<std::uint8_t>();
  if (welcome.version != wire::kVersion || !read_parameters(cursor, welcome.self)) {
    return violation("a broken welcome");
  }
  if (auto error = read_extensions(cursor, welcome.self, welcome.resume)) return *std::move(error);
  return welcome;
}

std::optional<Refusal> decode_refusal(std::span<const std::byte> body) {
  ByteCursor cursor(body);
  Refusal refusal;
  refusal.code = static_cast<ErrorCode>(cursor.number<std::uint16_t>());
  refusal.lowest_version = cursor.number<std::uint8_t>();
  refusal.highest_version = cursor.number<std::uint8_t>();
  if (!read_text(cursor, refusal.application, kMaxNameBytes) ||
      !read_text(cursor, refusal.schema, kMaxNameBytes) ||
      !read_text(cursor, refusal.reason, wire::kMaxReasonBytes)) {
    return std::nullopt;
  }
  if (!cursor.at_end()) {
    const auto code = cursor.number<std::uint16_t>();
    if (!cursor.ok()) return std::nullopt;
    if (code >= CloseReason::first_program_code) refusal.program_code = code;
  }
  return refusal;
}

std::optional<Refusal> check_hello(const Hello& hello, const HandshakeSelf& self) {
  Refusal refusal;
  refusal.lowest_version = wire::kVersion;
  refusal.highest_version = wire::kVersion;
  refusal.application = self.application;
  refusal.schema = self.schema;
  if (hello.lowest_version > wire::kVersion || hello.highest_version < wire::kVersion) {
    refusal.code = ErrorCode::version_mismatch;
  } else if (hello.self.application != self.application) {
    refusal.code = ErrorCode::application_mismatch;
  } else if (!hello.self.schema.empty() && !self.schema.empty() &&
             hello.self.schema != self.schema) {
    refusal.code = ErrorCode::schema_mismatch;
  } else if (const FilterName* own = missing_filter(self.filters, hello.self.filters)) {
    refusal.code = ErrorCode::filter_mismatch;
    refusal.reason = own->name;
  } else if (const FilterName* theirs = missing_filter(hello.self.filters, self.filters)) {
    refusal.code = ErrorCode::filter_mismatch;
    refusal.reason = theirs->name;
  } else {
    return std::nullopt;
  }
  return refusal;
}

AgreedFilters agree_on_filters(const std::vector<FilterName>& dialler,
                               const std::vector<FilterName>& own) {
  AgreedFilters agreed;
  for (const FilterName& each : dialler) {
    const auto place = place_of(each.name, own);
    if (place) agreed.own[agreed.count++] = static_cast<std::uint8_t>(*place);
  }
  return agreed;
}

Result<AgreedFilters> take_agreed_filters(const std::vector<FilterName>& agreed,
                                          const std::vector<FilterName>& own) {
  const AgreedFilters filters = agree_on_filters(agreed, own);
  const bool in_order = std::ranges::is_sorted(filters.places(), std::ranges::less_equal());
  if (filters.count != agreed.size() || !in_order) return violation("filters that nobody offered");
  if (const FilterName* missing = missing_filter(own, agreed)) {
    return lacks_filter(missing->name);
  }
  return filters;
}

Error describe_refusal(const Refusal& refusal, const HandshakeSelf& self) {
  switch (refusal.code) {
    case ErrorCode::version_mismatch:
      return {refusal.code, 0,
              "The other end speaks wire " +
                  versions(refusal.lowest_version, refusal.highest_version) +
                  ", this program speaks " + versions(wire::kVersion, wire::kVersion) + "."};
    case ErrorCode::application_mismatch:
      return {refusal.code, 0,
              "The other end runs " + in_quotes(refusal.application) + ", this program is " +
                  in_quotes(self.application) + "."};
    case ErrorCode::schema_mismatch:
      return {refusal.code, 0,
              "The other end has schema " + in_quotes(refusal.schema) + ", this program has " +
                  in_quotes(self.schema) + "."};
    case ErrorCode::filter_mismatch:
      if (place_of(refusal.reason, self.filters)) return lacks_filter(refusal.reason);
      return {refusal.code, 0,
              "The other end demands the filter " + in_quotes(refusal.reason) +
                  ", which this program does not have."};
    case ErrorCode::server_full:
      return {refusal.code, 0, "The other end has no free connection."};
    case ErrorCode::unsupported_extension:
      return {refusal.code, 0, "The other end does not know a handshake extension of this one."};
    case ErrorCode::refused_by_application:
      return {refusal.code, refusal.program_code,
              "The other end refused: " + in_quotes(refusal.reason) + "."};
    default:
      return {ErrorCode::connection_refused, 0,
              "The other end refused the connection" +
                  (refusal.reason.empty() ? "." : ": " + in_quotes(refusal.reason) + ".")};
  }
}

}  // namespace tickwire::detail
