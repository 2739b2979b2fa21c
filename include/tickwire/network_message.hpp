// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/export.hpp>
#include <tickwire/message_name.hpp>

namespace tickwire {

class ByteReader;
class ByteWriter;

/// Headers, each a name with or without a value, and a body of bytes.
///
/// Shape: on the wire the number of headers as a varint; for each its name (size, text), one byte
///        that is 1 when a value follows, and the value (size, text); then the body (size, bytes).
///        Nothing says that text is UTF-8.
class NetworkMessage {
 public:
  struct Header {
    std::string name;
    std::optional<std::string> value;
    [[nodiscard]] bool operator==(const Header&) const = default;
  };

  NetworkMessage() = default;
  explicit NetworkMessage(std::string_view body) { set_body(body); }

  /// Adds a header after those that are there, also when one has the same name.
  TICKWIRE_API NetworkMessage& add_header(std::string_view name);
  TICKWIRE_API NetworkMessage& add_header(std::string_view name, std::string_view value);
  /// Names are compared byte for byte.
  [[nodiscard]] TICKWIRE_API bool has_header(std::string_view name) const noexcept;
  /// The value of the first header of that name that has one.
  ///
  /// Lifetime: until the message changes.
  [[nodiscard]] TICKWIRE_API std::optional<std::string_view> header(
      std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<Header>& headers() const noexcept { return headers_; }
  void clear_headers() noexcept { headers_.clear(); }

  TICKWIRE_API NetworkMessage& set_body(std::span<const std::byte> body);
  TICKWIRE_API NetworkMessage& set_body(std::string_view body);
  [[nodiscard]] std::span<const std::byte> body() const noexcept { return body_; }
  [[nodiscard]] std::string_view body_text() const noexcept {
    return {reinterpret_cast<const char*>(body_.data()), body_.size()};
  }

  [[nodiscard]] bool operator==(const NetworkMessage&) const = default;

 private:
  friend TICKWIRE_API void save(ByteWriter& writer, const NetworkMessage& message);
  friend TICKWIRE_API void load(ByteReader& reader, NetworkMessage& message);

  std::vector<Header> headers_;
  std::vector<std::byte> body_;
};

TICKWIRE_API void save(ByteWriter& writer, const NetworkMessage& message);
TICKWIRE_API void load(ByteReader& reader, NetworkMessage& message);

TICKWIRE_MESSAGE(NetworkMessage, "tickwire.message");

}  // namespace tickwire
