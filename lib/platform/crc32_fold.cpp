// SPDX-License-Identifier: MIT
#include "lib/platform/crc32_fold.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

namespace tickwire::detail {
namespace {

#define TICKWIRE_FOLDS __attribute__((target("pclmul,sse4.1")))

constexpr std::size_t kLaneBytes = kFoldedLaneBytes;
constexpr std::size_t kBlockBytes = 4 * kLaneBytes;

TICKWIRE_FOLDS __m128i load_lane(const std::byte* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// Moves a lane's remainder on by the distance that the two factors stand for.
TICKWIRE_FOLDS __m128i fold(__m128i lane, __m128i factors, __m128i onto) noexcept {
  const __m128i low = _mm_clmulepi64_si128(lane, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

// From 128 bits to 64, and by Barrett's reduction to 32.
TICKWIRE_FOLDS std::uint32_t reduce(__m128i lane, __m128i by_16_bytes) noexcept {
  const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0);
  const __m128i by_8_bytes = _mm_set_epi64x(0, 0x163cd6124);
  const __m128i polynomial = _mm_set_epi64x(0x1f7011641, 0x1db710641);
  __m128i rest =
      _mm_xor_si128(_mm_srli_si128(lane, 8), _mm_clmulepi64_si128(lane, by_16_bytes, 0x10));
  rest = _mm_xor_si128(_mm_srli_si128(rest, 4),
                       _mm_clmulepi64_si128(_mm_and_si128(rest, low_words), by_8_bytes, 0x00));
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(rest, low_words), polynomial, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), polynomial, 0x00);
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(rest, quotient), 1));
}

// Pre: at least a block. Returns where it stopped.
TICKWIRE_FOLDS const std::byte* fold_all(const std::byte* at, const std::byte* end,
                                         std::uint32_t& state) noexcept {
  const __m128i by_64_bytes = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  const __m128i by_16_bytes = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  __m128i lanes[] = {load_lane(at), load_lane(at + kLaneBytes), load_lane(at + 2 * kLaneBytes),
                     load_lane(at + 3 * kLaneBytes)};
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  for (at += kBlockBytes; end - at >= static_cast<std::ptrdiff_t>(kBlockBytes); at += kBlockBytes) {
    for (std::size_t i = 0; i < 4; ++i)
      lanes[i] = fold(lanes[i], by_64_bytes, load_lane(at + i * kLaneBytes));
  }
  __m128i lane = lanes[0];
  for (std::size_t i = 1; i < 4; ++i)
    lane = fold(lane, by_16_bytes, lanes[i]);
  for (; end - at >= static_cast<std::ptrdiff_t>(kLaneBytes); at += kLaneBytes)
    lane = fold(lane, by_16_bytes, load_lane(at));
  state = reduce(lane, by_16_bytes);
  return at;
}

TICKWIRE_FOLDS std::uint32_t fold_lanes(const std::byte* at, const std::byte* end) noexcept {
  const __m128i by_16_bytes = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  __m128i lane = load_lane(at);
  for (at += kLaneBytes; at != end; at += kLaneBytes)
    lane = fold(lane, by_16_bytes, load_lane(at));
  return reduce(lane, by_16_bytes);
}

#undef TICKWIRE_FOLDS

}  // namespace

bool folds_crc32() noexcept {
  static const bool folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return folds;
}

std::size_t fold_crc32(std::span<const std::byte> bytes, std::uint32_t& state) noexcept {
  if (bytes.size() < kBlockBytes || !folds_crc32()) return 0;
  const std::byte* const begin = bytes.data();
  return static_cast<std::size_t>(fold_all(begin, begin + bytes.size(), state) - begin);
}

std::uint32_t fold_crc32_lanes(std::span<const std::byte> lanes) noexcept {
  return fold_lanes(lanes.data(), lanes.data() + lanes.size());
}

}  // namespace tickwire::detail

#else

namespace tickwire::detail {

std::size_t fold_crc32(std::span<const std::byte>, std::uint32_t&) noexcept {
  return 0;
}

bool folds_crc32() noexcept {
  return false;
}

std::uint32_t fold_crc32_lanes(std::span<const std::byte>) noexcept {
  return 0;
}

}  // namespace tickwire::detail

#endif
