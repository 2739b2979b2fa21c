// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <tickwire/byte_reader.hpp>
#include <tickwire/byte_writer.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/message_name.hpp>
#include <tickwire/serialization.hpp>
#include <tickwire/standard_types.hpp>

// The archives and what a program needs to send and receive objects. Standard types that Cereal
// serves in other headers than those above (memory.hpp, polymorphic.hpp, bitset.hpp, ...) need
// their header, and classes are registered with Cereal after this one is included.

CEREAL_REGISTER_ARCHIVE(tickwire::ByteWriter)
CEREAL_REGISTER_ARCHIVE(tickwire::ByteReader)

namespace tickwire {

/// What a decode did beside making the object.
struct DecodeReport {
  std::size_t skipped_bytes = 0;  ///< written by a newer version of the type, and passed over
};

namespace detail {

[[nodiscard]] TICKWIRE_API Error decode_error(const ByteReader& reader,
                                              std::string_view type) noexcept;
[[nodiscard]] TICKWIRE_API Error wrong_type(std::string_view wanted);
[[nodiscard]] TICKWIRE_API Error encode_error(std::string_view type) noexcept;

/// The type's name on the wire, or what the compiler calls it.
template <class T>
constexpr std::string_view readable_name() noexcept {
  if constexpr (named_message<T>) {
    return message_name<T>;
  } else {
    return compiler_name<T>();
  }
}

/// Makes the name of a type known that has one put together from its parts.
template <class T>
void use_name() noexcept {
  if constexpr (named_message<T>) {
    static_cast<void>(&MessageRegistration<message_value_t<T>>::node);
  }
}

}  // namespace detail

/// Appends an object to `writer`'s target, with whatever it puts off.
template <class T>
void write_object(ByteWriter& writer, const T& object) {
  if constexpr (message_value<T>::is_text) {
    const std::string_view text(object);
    writer.write_text(text.data(), text.size());
  } else {
    writer(object);
    writer.serializeDeferments();
  }
}

/// Appends the encoded form of an object to `target`, a `ByteSink` or a `std::vector<std::byte>`.
///
/// Errors: `encode_failed` when the object's own functions threw, `message_too_large` when the sink
///         is full. Nothing was appended then.
template <class T, class Target>
Result<void> encode(const T& object, Target& target) {
  detail::use_name<T>();
  ByteWriter writer(target);
  try {
    write_object(writer, object);
    if constexpr (std::is_base_of_v<ByteSink, Target>) writer.finish(target);
    return {};
  } catch (...) {
    writer.abandon();
    return detail::encode_error(detail::readable_name<T>());
  }
}

namespace detail {

/// Reads an object from all of `bytes`; calls `fail` with an `Error` if that does not go.
template <class T, class Fail>
void decode_whole(std::span<const std::byte> bytes, T& object, const DecodeLimits& limits,
                  DecodeReport* report, Fail&& fail) {
  use_name<T>();
  ByteReader reader(bytes, limits);
  try {
    reader(object);
    reader.finish();
    if (report != nullptr) report->skipped_bytes = reader.skipped_bytes();
  } catch (...) {
    fail(decode_error(reader, readable_name<T>()));
  }
}

}  // namespace detail

/// Decodes into an existing object, whose strings, vectors and optionals keep their memory.
///
/// Errors: `malformed_object`, `budget_exceeded`: the sentence names the type, what is wrong and
///         the offset. The object is valid then, but what it holds is not specified.
template <class T>
Result<void> decode_into(std::span<const std::byte> bytes, T& object,
                         const DecodeLimits& limits = kDefaultDecodeLimits,
                         DecodeReport* report = nullptr) {
  Result<void> result;
  detail::decode_whole(bytes, object, limits, report,
                       [&](Error error) { result = std::move(error); });
  return result;
}

/// Makes an object of its encoded form. Errors as `decode_into`.
template <class T>
Result<T> decode(std::span<const std::byte> bytes,
                 const DecodeLimits& limits = kDefaultDecodeLimits,
                 DecodeReport* report = nullptr) {
  // Made where the caller wants it, so that every path returns it: a copy would have to wait for
  // what was just written in smaller pieces.
  Result<T> result(T{});
  detail::decode_whole(bytes, *result, limits, report, [&](Error error) {
    std::destroy_at(&result);
    std::construct_at(&result, std::move(error));
  });
  return result;
}

}  // namespace tickwire
