// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/crypto/sha256.hpp"
#include "lib/features/accounts/scram_words.hpp"

/// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: a login in which no password travels, and both ends prove
/// that they know what the other expects. Text in, text out; no clock, no network, no random
/// numbers of its own.
///
/// Source: RFC 5802, RFC 7677; RFC 9266 for the channel binding `tls-exporter`.
namespace tickwire::detail {

/// What a server keeps of a password. Nobody logs in with it, but it can be guessed at.
struct ScramKeys {
  std::vector<std::byte> salt;
  std::uint32_t iterations = 0;
  crypto::Sha256Digest stored_key{};
  crypto::Sha256Digest server_key{};
};

/// Slow: `iterations` of PBKDF2.
///
/// Thread: any, and none that has something else to do meanwhile.
[[nodiscard]] ScramKeys make_scram_keys(std::span<const std::byte> password,
                                        std::vector<std::byte> salt, std::uint32_t iterations);

/// The end that logs in.
class ScramClient {
 public:
  /// What the slow part needs.
  struct Challenge {
    std::vector<std::byte> salt;
    std::uint32_t iterations = 0;
  };

  /// `binding`: of the channel, empty where it has none. `nonce`: printable, and never used before.
  ScramClient(std::string_view user, std::vector<std::byte> binding, std::string_view nonce);

  [[nodiscard]] std::string first() const { return header_ + bare_; }
  /// Nothing: the server's words make no sense, or do not answer ours.
  [[nodiscard]] std::optional<Challenge> read_first(std::string_view server_first);
  /// Pre: `read_first` gave a challenge, and this is PBKDF2 of the password under it.
  [[nodiscard]] std::string final(const crypto::Sha256Digest& salted_password);

  enum class Verdict : std::uint8_t { proven, not_proven, refused, malformed };
  /// Pre: `final` was called. `refused`: `refusal` has the server's reason.
  [[nodiscard]] Verdict read_final(std::string_view server_final);
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

 private:
  std::string header_;
  std::string bare_;
  std::vector<std::byte> bound_;  // header and binding, for c=
  std::string nonce_;
  std::string server_first_;
  crypto::Sha256Digest server_signature_{};
  std::string refusal_;
};

/// The end that is logged in to.
class ScramServer {
 public:
  explicit ScramServer(std::vector<std::byte> binding) : binding_(std::move(binding)) {}

  /// Empty, or the `scram_error`.
  [[nodiscard]] std::string_view read_first(std::string_view client_first);
  /// Pre: `read_first` was content.
  [[nodiscard]] const std::string& user() const noexcept { return first_.user; }
  /// `nonce`: this end's part of it.
  [[nodiscard]] std::string first(ScramKeys keys, std::string_view nonce);
  /// Empty: the client knows the password; or the `scram_error`. Pre: `first` was called.
  [[nodiscard]] std::string_view read_final(std::string_view client_final);
  /// Pre: `read_final` was content.
  [[nodiscard]] const std::string& final() const noexcept { return final_; }

  [[nodiscard]] static std::string refuse(std::string_view error) {
    return "e=" + std::string(error);
  }

 private:
  std::vector<std::byte> binding_;
  ClientFirst first_;
  ScramKeys keys_;
  std::string nonce_;
  std::string server_first_;
  std::string final_;
};

}  // namespace tickwire::detail
