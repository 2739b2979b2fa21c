// SPDX-License-Identifier: MIT
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>

#include <tickwire/archive.hpp>

namespace tickwire::detail {
namespace {

// What an exception says may quote the bytes.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string result(text.substr(0, kLongest));
  for (char& character : result) {
    if (character == '\n') character = ' ';
    if (character < ' ' || character > '~') character = '?';
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

Error make_error(ErrorCode code, std::string_view type, std::string_view reason,
                 std::string_view end) noexcept {
  try {
    std::string detail(printable(type));
    detail.append(": ").append(printable(reason)).append(end);
    return {code, 0, std::move(detail)};
  } catch (...) {
    return {code, 0, {}};
  }
}

}  // namespace

Error decode_error(const ByteReader& reader, std::string_view type) noexcept {
  const auto located = [&](ErrorCode code, std::string_view reason, std::size_t offset) {
    char place[40];
    const int length = std::snprintf(place, sizeof place, " (at byte %zu)", offset);
    return make_error(code, type, reason, {place, static_cast<std::size_t>(length)});
  };
  try {
    throw;
  } catch (const DecodeFailure& failure) {
    return located(failure.code, failure.what(), failure.offset);
  } catch (const std::bad_alloc&) {
    return located(ErrorCode::budget_exceeded, "there is no memory for it", reader.offset());
  } catch (const std::length_error& error) {
    return located(ErrorCode::budget_exceeded, error.what(), reader.offset());
  } catch (const std::exception& error) {
    return located(ErrorCode::malformed_object, error.what(), reader.offset());
  } catch (...) {
    return located(ErrorCode::malformed_object, "its own functions refuse it", reader.offset());
  }
}

Error wrong_type(std::string_view wanted) {
  return {ErrorCode::wrong_type, 0, "The event holds no " + std::string(wanted) + "."};
}

Error encode_error(std::string_view type) noexcept {
  try {
    throw;
  } catch (const SinkFull& error) {
    return make_error(ErrorCode::message_too_large, type, error.what(), {});
  } catch (const std::exception& error) {
    return make_error(ErrorCode::encode_failed, type, error.what(), {});
  } catch (...) {
    return make_error(ErrorCode::encode_failed, type, "its own functions threw", {});
  }
}

}  // namespace tickwire::detail
