// SPDX-License-Identifier: MIT
#include "lib/features/accounts/scram_words.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/crypto/base64.hpp"
#include "lib/features/accounts/text_rules.hpp"

namespace tickwire::detail {
namespace {

constexpr std::size_t kMaxNonceBytes = 256;

// Takes what stands before the next comma, and the comma.
std::optional<std::string_view> take_part(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const auto comma = rest.find(',');
  const std::string_view part = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return part;
}

// Takes the value of a part that has to be this attribute.
std::optional<std::string_view> take(std::string_view& rest, char name) {
  const auto part = take_part(rest);
  if (!part || part->size() < 2 || (*part)[0] != name || (*part)[1] != '=') return std::nullopt;
  return part->substr(2);
}

bool asks_for_more(std::string_view rest) {
  return rest.starts_with("m=");
}

bool is_nonce(std::string_view text) {
  const auto is_allowed = [](char c) { return c > ' ' && c < 0x7f && c != ','; };
  return !text.empty() && text.size() <= kMaxNonceBytes &&
         std::all_of(text.begin(), text.end(), is_allowed);
}

// Further attributes may follow, which mean nothing to us.
bool are_extensions(std::string_view rest) {
  while (!rest.empty()) {
    const bool ends_in_comma = rest.back() == ',';
    const auto part = take_part(rest);
    const char name = part->empty() ? '\0' : part->front();
    const bool is_letter = (name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z');
    if (!is_letter || part->size() < 3 || (*part)[1] != '=') return false;
    if (ends_in_comma && rest.empty()) return false;
  }
  return true;
}

std::optional<std::string> unescaped_user(std::string_view text) {
  std::string user;
  while (!text.empty()) {
    const auto sign = text.find('=');
    user += text.substr(0, sign);
    text.remove_prefix(std::min(sign, text.size()));
    if (text.empty()) break;
    if (!text.starts_with("=2C") && !text.starts_with("=3D")) return std::nullopt;
    user += text.starts_with("=2C") ? ',' : '=';
    text.remove_prefix(3);
  }
  if (!check_user(user)) return std::nullopt;
  return user;
}

std::string_view parse_flag(std::string_view part, ClientFirst& first) {
  if (part == "n") return {};
  if (part == "y") {
    first.flag = BindingFlag::thought_unsupported;
    return {};
  }
  const std::string_view type = part.starts_with("p=") ? part.substr(2) : std::string_view();
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
  };
  if (type.empty() || !std::all_of(type.begin(), type.end(), is_allowed)) {
    return scram_error::other_error;
  }
  first.flag = BindingFlag::used;
  first.binding_type = type;
  return {};
}

}  // namespace

ScramParsed<ClientFirst> parse_client_first(std::string_view text) {
  using namespace scram_error;
  if (text.size() > kMaxScramBytes) return {.error = other_error};
  if (!is_clean_text(text)) return {.error = invalid_encoding};
  ClientFirst first;
  std::string_view rest = text;
  const auto flag = take_part(rest);
  if (!flag) return {.error = other_error};
  if (const auto wrong = parse_flag(*flag, first); !wrong.empty()) return {.error = wrong};
  // Nobody acts for another here.
  if (rest.empty() || rest.front() != ',') return {.error = other_error};
  rest.remove_prefix(1);
  first.header = text.substr(0, text.size() - rest.size());
  first.bare = rest;
  if (asks_for_more(rest)) return {.error = extensions_not_supported};
  const auto user = take(rest, 'n');
  if (!user) return {.error = other_error};
  auto name = unescaped_user(*user);
  if (!name) return {.error = user_encoding};
  const bool is_cut = rest.empty();
  const auto nonce = take(rest, 'r');
  if (is_cut || !nonce || !is_nonce(*nonce)) return {.error = other_error};
  if (first.bare.ends_with(',') || !are_extensions(rest)) return {.error = other_error};
  first.user = *std::move(name);
  first.nonce = *nonce;
  return {.message = std::move(first)};
}

ScramParsed<ServerFirst> parse_server_first(std::string_view text) {
  using namespace scram_error;
  if (text.size() > kMaxScramBytes) return {.error = other_error};
  if (asks_for_more(text)) return {.error = extensions_not_supported};
  std::string_view rest = text;
  const auto nonce = take(rest, 'r');
  const auto salt = take(rest, 's');
  const auto iterations = take(rest, 'i');
  if (!nonce || !is_nonce(*nonce) || !salt || !iterations) return {.error = other_error};
  if (text.ends_with(',') || !are_extensions(rest)) return {.error = other_error};
  ServerFirst first;
  first.nonce = *nonce;
  auto bytes = crypto::from_base64(*salt);
  if (!bytes || bytes->empty()) return {.error = invalid_encoding};
  first.salt = *std::move(bytes);
  const char* end = iterations->data() + iterations->size();
  const auto [stop, wrong] = std::from_chars(iterations->data(), end, first.iterations);
  const bool is_number = wrong == std::errc() && stop == end && iterations->front() != '0';
  if (!is_number) return {.error = other_error};
  return {.message = std::move(first)};
}

ScramParsed<ClientFinal> parse_client_final(std::string_view text) {
  using namespace scram_error;
  if (text.size() > kMaxScramBytes) return {.error = other_error};
  // The proof comes last; a `p=` before it could only be an extension's.
  const auto proof_at = text.rfind(",p=");
  if (proof_at == std::string_view::npos) return {.error = other_error};
  ClientFinal final;
  final.without_proof = text.substr(0, proof_at);
  std::string_view rest = final.without_proof;
  const auto binding = take(rest, 'c');
  const auto nonce = take(rest, 'r');
  if (!binding || !nonce || !is_nonce(*nonce)) return {.error = other_error};
  if (final.without_proof.ends_with(',') || !are_extensions(rest)) return {.error = other_error};
  auto bound = crypto::from_base64(*binding);
  auto proof = crypto::from_base64(text.substr(proof_at + 3));
  if (!bound || bound->empty() || !proof) return {.error = invalid_encoding};
  final.binding = *std::move(bound);
  final.nonce = *nonce;
  final.proof = *std::move(proof);
  return {.message = std::move(final)};
}

ScramParsed<ServerFinal> parse_server_final(std::string_view text) {
  using namespace scram_error;
  if (text.size() > kMaxScramBytes) return {.error = other_error};
  ServerFinal final;
  std::string_view rest = text;
  if (text.starts_with("e=")) {
    final.error = *take_part(rest);
    final.error.erase(0, 2);
    if (final.error.empty() || !is_nonce(final.error)) return {.error = other_error};
    return {.message = std::move(final)};
  }
  const auto signature = take(rest, 'v');
  if (!signature || text.ends_with(',') || !are_extensions(rest)) return {.error = other_error};
  auto bytes = crypto::from_base64(*signature);
  if (!bytes) return {.error = invalid_encoding};
  final.signature = *std::move(bytes);
  return {.message = std::move(final)};
}

std::string escaped_user(std::string_view user) {
  std::string text;
  for (const char each : user) {
    if (each == ',') {
      text += "=2C";
    } else if (each == '=') {
      text += "=3D";
    } else {
      text += each;
    }
  }
  return text;
}

}  // namespace tickwire::detail
