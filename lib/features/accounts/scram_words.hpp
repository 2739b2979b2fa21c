// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The four messages of a SCRAM login as text, taken apart and checked field by field. What the
/// fields mean to each other is scram.hpp's business.
///
/// Source: RFC 5802, section 7.
namespace tickwire::detail {

/// Bytes of one message at most; ours are far below.
inline constexpr std::size_t kMaxScramBytes = 1024;

/// Why a server says no: the value of `e=`, RFC 5802's own and, behind those, Tickwire's.
namespace scram_error {
inline constexpr std::string_view invalid_encoding = "invalid-encoding";
inline constexpr std::string_view extensions_not_supported = "extensions-not-supported";
inline constexpr std::string_view invalid_proof = "invalid-proof";
inline constexpr std::string_view bindings_dont_match = "channel-bindings-dont-match";
inline constexpr std::string_view server_does_bind = "server-does-support-channel-binding";
inline constexpr std::string_view binding_not_supported = "channel-binding-not-supported";
inline constexpr std::string_view binding_type = "unsupported-channel-binding-type";
inline constexpr std::string_view user_encoding = "invalid-username-encoding";
inline constexpr std::string_view no_resources = "no-resources";
inline constexpr std::string_view other_error = "other-error";
inline constexpr std::string_view account_disabled = "account-disabled";
inline constexpr std::string_view too_many_tries = "too-many-tries";
inline constexpr std::string_view not_private = "connection-not-private";
inline constexpr std::string_view no_accounts = "no-accounts-here";
}  // namespace scram_error

enum class BindingFlag : std::uint8_t {
  unsupported,          ///< n
  thought_unsupported,  ///< y: the client could, and takes it that the server cannot
  used,                 ///< p=
};

struct ClientFirst {
  BindingFlag flag = BindingFlag::unsupported;
  std::string binding_type;  ///< behind p=
  std::string header;        ///< the GS2 header, with both commas
  std::string bare;          ///< all behind it
  std::string user;
  std::string nonce;
};
struct ServerFirst {
  std::string nonce;
  std::vector<std::byte> salt;
  std::uint32_t iterations = 0;
};
struct ClientFinal {
  std::vector<std::byte> binding;
  std::string nonce;
  std::string without_proof;
  std::vector<std::byte> proof;
};
struct ServerFinal {
  std::vector<std::byte> signature;
  std::string error;  ///< what stands behind e=; empty: there is a signature
};

/// A parsed message, or the `scram_error` that says what is wrong with it.
template <class T>
struct ScramParsed {
  std::optional<T> message{};
  std::string_view error{};
};

[[nodiscard]] ScramParsed<ClientFirst> parse_client_first(std::string_view text);
[[nodiscard]] ScramParsed<ServerFirst> parse_server_first(std::string_view text);
[[nodiscard]] ScramParsed<ClientFinal> parse_client_final(std::string_view text);
[[nodiscard]] ScramParsed<ServerFinal> parse_server_final(std::string_view text);

/// With `=` and `,` as a message may hold them.
[[nodiscard]] std::string escaped_user(std::string_view user);

}  // namespace tickwire::detail
