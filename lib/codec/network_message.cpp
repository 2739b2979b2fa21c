// SPDX-License-Identifier: MIT
#include <tickwire/network_message.hpp>

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <tickwire/archive.hpp>

namespace tickwire {

// Written out, not left to Cereal's optional, whose flag says the opposite of what one expects.
template <class Archive>
void save(Archive& archive, const NetworkMessage::Header& header) {
  archive(header.name, header.value.has_value());
  if (header.value) archive(*header.value);
}
template <class Archive>
void load(Archive& archive, NetworkMessage::Header& header) {
  bool has_value = false;
  archive(header.name, has_value);
  if (!has_value) return header.value.reset();
  if (!header.value) header.value.emplace();
  archive(*header.value);
}

NetworkMessage& NetworkMessage::add_header(std::string_view name) {
  headers_.push_back({std::string(name), std::nullopt});
  return *this;
}

NetworkMessage& NetworkMessage::add_header(std::string_view name, std::string_view value) {
  headers_.push_back({std::string(name), std::string(value)});
  return *this;
}

bool NetworkMessage::has_header(std::string_view name) const noexcept {
  for (const Header& header : headers_) {
    if (header.name == name) return true;
  }
  return false;
}

std::optional<std::string_view> NetworkMessage::header(std::string_view name) const noexcept {
  for (const Header& header : headers_) {
    if (header.name == name && header.value) return *header.value;
  }
  return std::nullopt;
}

NetworkMessage& NetworkMessage::set_body(std::span<const std::byte> body) {
  body_.assign(body.begin(), body.end());
  return *this;
}

NetworkMessage& NetworkMessage::set_body(std::string_view body) {
  return set_body(std::as_bytes(std::span(body)));
}

void save(ByteWriter& writer, const NetworkMessage& message) {
  writer(message.headers_, message.body_);
}

void load(ByteReader& reader, NetworkMessage& message) {
  reader(message.headers_, message.body_);
}

}  // namespace tickwire
