// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

#include <flatbuffers/flatbuffers.h>

#include "codec_messages.hpp"
#include "game_message_generated.h"

/// The small message by FlatBuffers: written by a builder that keeps its memory, and read by what
/// flatc made of the schema. All fields are copied into the object, as the other codecs do.
namespace bench {

inline void encode_flat(const GameMessage& message, flatbuffers::FlatBufferBuilder& builder) {
  builder.Clear();
  const auto name = builder.CreateString(message.name);
  const auto inputs = builder.CreateVector(message.inputs.data(), message.inputs.size());
  const flat::Vector3 position(message.x, message.y, message.z);
  builder.Finish(flat::CreateGameMessage(builder, message.id, &position, name, inputs));
}

inline void decode_flat(std::span<const std::uint8_t> bytes, GameMessage& message) {
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!flat::VerifyGameMessageBuffer(verifier)) throw std::runtime_error("that is no message");
  const flat::GameMessage& flat = *flat::GetGameMessage(bytes.data());
  const auto* const position = flat.position();
  const auto* const name = flat.name();
  const auto* const inputs = flat.inputs();
  if (position == nullptr || name == nullptr || inputs == nullptr ||
      inputs->size() != message.inputs.size())
    throw std::runtime_error("a part of the message is missing");
  message.id = flat.id();
  message.x = position->x();
  message.y = position->y();
  message.z = position->z();
  message.name.assign(name->data(), name->size());
  std::copy(inputs->begin(), inputs->end(), message.inputs.begin());
}

}  // namespace bench
