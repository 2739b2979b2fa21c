// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tickwire/decode_limits.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/value.hpp>

/// Values as JSON text, for logs, tools and configuration; on the wire they are smaller.
namespace tickwire {

enum class JsonStyle : std::uint8_t {
  compact,   ///< one line, without spaces
  indented,  ///< a line for each value, two spaces for each level
};

/// Writes a value as JSON text. `from_json` brings back what went in.
///
/// Shape:  a real number always has a point or an exponent. JSON has no word for some things; they
///         become a map with one key: bytes `{"$bytes": "base64"}`, a real number that is not
///         finite `{"$real": "inf"}`, `"-inf"` or `"nan"`. Where the one key of a map begins with
///         `$` itself, it gets another in front. Keys stand in rising order.
/// Errors: `encode_failed` for what the wire does not take either: text that is not UTF-8, more
///         than `Value::max_depth` lists and maps inside one another. `not_supported` in a build
///         without JSON.
[[nodiscard]] TICKWIRE_API Result<std::string> to_json(const Value& value,
                                                       JsonStyle style = JsonStyle::compact);
[[nodiscard]] TICKWIRE_API Result<std::string> to_json(const Metadata& metadata,
                                                       JsonStyle style = JsonStyle::compact);

/// Reads one JSON text (RFC 8259), which may come from anybody, and nothing behind it.
///
/// Shape:  a number without point and exponent is an integer; one that 64 bits with a sign do not
///         hold is the nearest real number.
/// Errors: `malformed_object` with what is wrong and the offset: no JSON, text that is not UTF-8, a
///         key that is there twice, a number beyond the range of real numbers, `$bytes` or `$real`
///         as the one key of a map with anything but what `to_json` writes there, lists and maps
///         deeper than `Value::max_depth`. `budget_exceeded` when the text, or what is made of it,
///         is larger than `max_total_bytes`, or deeper than `max_depth`. `not_supported` in a build
///         without JSON.
/// Memory: at most about three times what the limits say, while lists grow. A text that is refused
///         can take up to ten times its own size, as the parser quotes what it stops at (a string
///         without an end, a very long number) several times over; one that is larger than
///         `max_total_bytes` is not looked at.
[[nodiscard]] TICKWIRE_API Result<Value> from_json(std::string_view text,
                                                   const DecodeLimits& limits = {});
/// The same for metadata, which is a map.
[[nodiscard]] TICKWIRE_API Result<Metadata> metadata_from_json(std::string_view text,
                                                               const DecodeLimits& limits = {});

}  // namespace tickwire
