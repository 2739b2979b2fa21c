// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tickwire/error.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

/// What the bytes of a pixel are, in this order, 8 bits each.
enum class PixelFormat : std::uint8_t { gray, rgb, bgr, rgba, bgra };

[[nodiscard]] constexpr std::size_t bytes_per_pixel(PixelFormat format) noexcept {
  switch (format) {
    case PixelFormat::gray:
      return 1;
    case PixelFormat::rgb:
    case PixelFormat::bgr:
      return 3;
    case PixelFormat::rgba:
    case PixelFormat::bgra:
      return 4;
  }
  return 0;
}

/// A picture.
///
/// Shape: rows from top to bottom, without gaps: width x height x `bytes_per_pixel` bytes.
struct Image {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  PixelFormat format = PixelFormat::rgb;
  std::vector<std::byte> pixels;

  [[nodiscard]] bool operator==(const Image&) const = default;
};

/// What is taken of somebody else's pictures.
struct ImageLimits {
  std::uint32_t max_side = 16'384;        ///< pixels
  std::uint64_t max_pixels = 16'777'216;  ///< width x height
  std::uint32_t max_jpeg_scans = 100;     ///< of a progressive JPEG; more only cost time
};

/// Errors: `invalid_argument` when a side is 0 or above the limits, or `pixels` has another size.
[[nodiscard]] TICKWIRE_API Result<void> check_image(const Image& image,
                                                    const ImageLimits& limits = {});

/// Whether this build can do JPEG (libjpeg-turbo).
[[nodiscard]] TICKWIRE_API bool has_jpeg() noexcept;

/// Alpha is left out.
///
/// Shape:  `quality` from 1 to 100.
/// Errors: those of `check_image`; `invalid_argument` for the quality; `not_supported` in a build
///         without JPEG.
/// Thread: any; takes some milliseconds for a million pixels.
[[nodiscard]] TICKWIRE_API Result<std::vector<std::byte>> encode_jpeg(const Image& image,
                                                                      int quality = 85);

/// Looks at the size before any memory is spent. Alpha is opaque.
///
/// Errors: `malformed_object` for what is no JPEG, is cut off or damaged; `budget_exceeded` above
///         the limits; `not_supported` for one for printing (CMYK), and in a build without JPEG.
/// Thread: as `encode_jpeg`.
[[nodiscard]] TICKWIRE_API Result<Image> decode_jpeg(std::span<const std::byte> bytes,
                                                     PixelFormat format = PixelFormat::rgb,
                                                     const ImageLimits& limits = {});

}  // namespace tickwire
