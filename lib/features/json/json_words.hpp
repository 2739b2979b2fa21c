// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tickwire/error.hpp>

namespace tickwire::detail {

// The one key of a map that stands for what JSON has no word for.
inline constexpr std::string_view kBytesWord = "$bytes";
inline constexpr std::string_view kRealWord = "$real";
// Put before such a key that the program itself uses.
inline constexpr char kWordMark = '$';

/// Thrown within the conversions.
struct JsonFailure {
  JsonFailure(ErrorCode code_, std::string reason_) : code(code_), reason(std::move(reason_)) {}
  ErrorCode code;
  std::string reason;
};

}  // namespace tickwire::detail
