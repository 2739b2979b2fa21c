// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/error.hpp>
#include <tickwire/filter.hpp>

#include "lib/base/bytes.hpp"
#include "lib/session/resume.hpp"

/// What two sessions tell each other before they talk: the bodies of HELLO, WELCOME and REFUSE, and
/// who may come in.
namespace tickwire::detail {

/// The filters that both ends of a connection have: places in the own list, in the order in which
/// a message on its way out meets them.
struct AgreedFilters {
  static constexpr std::size_t max_filters = 4;
  std::array<std::uint8_t, max_filters> own{};
  std::uint8_t count = 0;

  [[nodiscard]] std::span<const std::uint8_t> places() const noexcept {
    return {own.data(), count};
  }
  [[nodiscard]] bool operator==(const AgreedFilters&) const noexcept = default;
};

/// A filter as the other end is told of it.
struct FilterName {
  std::string name;
  FilterNeed need = FilterNeed::optional;
};

/// What an end says of itself.
struct HandshakeSelf {
  std::string application;
  std::string schema;
  std::string name;  ///< of the dialling end
  std::uint32_t receive_window_bytes = 0;
  std::uint32_t max_message_bytes = 0;
  std::uint8_t channels = 0;
  std::vector<FilterName> filters{};  ///< HELLO: those it has; WELCOME: those of the dialler's, too
  std::vector<std::byte> ticket{};    ///< of the dialling end
};

/// A HELLO as it came in.
struct Hello {
  std::uint8_t lowest_version = 0;
  std::uint8_t highest_version = 0;
  HandshakeSelf self;
  ResumeWords resume;
};

/// A WELCOME as it came in.
struct Welcome {
  std::uint8_t version = 0;
  HandshakeSelf self;  ///< without application, schema, name and ticket
  ResumeWords resume;
};

/// Why an end is turned away. On the wire: REFUSE.
struct Refusal {
  ErrorCode code = ErrorCode::connection_refused;
  std::uint8_t lowest_version = 0;
  std::uint8_t highest_version = 0;
  std::string application;  ///< the refusing end's own
  std::string schema;
  std::string reason;
  std::uint16_t program_code = 0;  ///< of the refusing program, from 0x1000 on; 0: none
};

inline constexpr std::size_t kMaxNameBytes = 64;
/// With all else that a HELLO may say this fits into the smallest packet.
inline constexpr std::size_t kMaxTicketBytes = 768;
inline constexpr std::size_t kMaxFilterNameBytes = 32;
inline constexpr std::size_t kMinWindowBytes = 128 * 1024;

[[nodiscard]] std::vector<std::byte> encode_hello(const HandshakeSelf& self,
                                                  const ResumeWords& resume = {});
[[nodiscard]] std::vector<std::byte> encode_welcome(const HandshakeSelf& self,
                                                    const ResumeWords& resume = {});
[[nodiscard]] std::vector<std::byte> encode_refusal(const Refusal& refusal);

/// Errors: `protocol_violation` (no HELLO at all), `unsupported_extension`.
[[nodiscard]] Result<Hello> decode_hello(std::span<const std::byte> body);
[[nodiscard]] Result<Welcome> decode_welcome(std::span<const std::byte> body);
[[nodiscard]] std::optional<Refusal> decode_refusal(std::span<const std::byte> body);

/// Compares a HELLO with what this end is; nothing when it may come in.
[[nodiscard]] std::optional<Refusal> check_hello(const Hello& hello, const HandshakeSelf& self);
/// The filters of the dialler's that this end has as well, in the dialler's order.
[[nodiscard]] AgreedFilters agree_on_filters(const std::vector<FilterName>& dialler,
                                             const std::vector<FilterName>& own);
/// What a WELCOME says of filters, read by the dialler.
///
/// Errors: `protocol_violation` for some that it did not offer, `filter_mismatch` when one is
///         missing that it demands.
[[nodiscard]] Result<AgreedFilters> take_agreed_filters(const std::vector<FilterName>& agreed,
                                                        const std::vector<FilterName>& own);
/// The refusal as the dialling end reports it, naming what both ends are.
[[nodiscard]] Error describe_refusal(const Refusal& refusal, const HandshakeSelf& self);

}  // namespace tickwire::detail
