// SPDX-License-Identifier: MIT
#include <turbojpeg.h>

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <tickwire/image.hpp>

namespace tickwire {
namespace {

struct Closer {
  void operator()(void* handle) const noexcept { tjDestroy(handle); }
};
using Handle = std::unique_ptr<std::remove_pointer_t<tjhandle>, Closer>;

struct Freer {
  void operator()(unsigned char* bytes) const noexcept { tjFree(bytes); }
};

int turbo_format(PixelFormat format) noexcept {
  switch (format) {
    case PixelFormat::gray:
      return TJPF_GRAY;
    case PixelFormat::rgb:
      return TJPF_RGB;
    case PixelFormat::bgr:
      return TJPF_BGR;
    case PixelFormat::rgba:
      return TJPF_RGBA;
    case PixelFormat::bgra:
      return TJPF_BGRA;
  }
  return TJPF_RGB;
}

Error out_of_memory() {
  return {ErrorCode::out_of_resources, 0, "libjpeg-turbo has no memory."};
}

Error broken(tjhandle handle) {
  return {ErrorCode::malformed_object, 0,
          std::string("The JPEG is broken: ") + tjGetErrorStr2(handle)};
}

constexpr unsigned kStartOfScan = 0xda;
constexpr unsigned kEndOfImage = 0xd9;

/// The markers of a JPEG, one after the other, with what they head left out.
class JpegMarkers {
 public:
  explicit JpegMarkers(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  /// Nothing: there are no more. What stands behind the end of the image is no part of it.
  [[nodiscard]] std::optional<unsigned> next() noexcept {
    while (at_ + 1 < bytes_.size()) {
      const unsigned code = byte(at_ + 1);
      // Zeros are stuffed into what is coded, and 0xff may fill.
      const bool is_marker = byte(at_) == 0xff && code != 0 && code != 0xff;
      ++at_;
      if (!is_marker) continue;
      ++at_;
      if (code == kEndOfImage) at_ = bytes_.size();
      if (has_length(code) && at_ + 1 < bytes_.size()) at_ += byte(at_) << 8 | byte(at_ + 1);
      return code;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] unsigned byte(std::size_t at) const noexcept {
    return std::to_integer<unsigned>(bytes_[at]);
  }
  // Restarts, the start and the end stand alone.
  [[nodiscard]] static bool has_length(unsigned code) noexcept {
    return code != 0x01 && (code < 0xd0 || code > kEndOfImage);
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

// A progressive JPEG may say "once more" in a few bytes, and each time costs a pass over all
// pixels.
std::size_t count_scans(std::span<const std::byte> bytes) noexcept {
  std::size_t scans = 0;
  JpegMarkers markers(bytes);
  while (const auto marker = markers.next())
    scans += *marker == kStartOfScan ? 1 : 0;
  return scans;
}

}  // namespace

bool has_jpeg() noexcept {
  return true;
}

Result<std::vector<std::byte>> encode_jpeg(const Image& image, int quality) {
  constexpr ImageLimits any{.max_side = 65'500, .max_pixels = std::uint64_t{65'500} * 65'500};
  if (auto fits = check_image(image, any); !fits) return fits.error();
  if (quality < 1 || quality > 100) {
    return Error{ErrorCode::invalid_argument, 0, "A JPEG's quality is from 1 to 100."};
  }
  const Handle handle(tjInitCompress());
  if (!handle) return out_of_memory();
  unsigned char* encoded = nullptr;
  unsigned long size = 0;
  const int sampling = image.format == PixelFormat::gray ? TJSAMP_GRAY : TJSAMP_420;
  const int status =
      tjCompress2(handle.get(), reinterpret_cast<const unsigned char*>(image.pixels.data()),
                  static_cast<int>(image.width), 0, static_cast<int>(image.height),
                  turbo_format(image.format), &encoded, &size, sampling, quality, TJFLAG_FASTDCT);
  const std::unique_ptr<unsigned char, Freer> owner(encoded);
  if (status != 0) {
    return Error{ErrorCode::encode_failed, 0, tjGetErrorStr2(handle.get())};
  }
  const auto* begin = reinterpret_cast<const std::byte*>(encoded);
  return std::vector<std::byte>(begin, begin + size);
}

Result<Image> decode_jpeg(std::span<const std::byte> bytes, PixelFormat format,
                          const ImageLimits& limits) {
  const Handle handle(tjInitDecompress());
  if (!handle) return out_of_memory();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() > std::numeric_limits<unsigned long>::max()) {
    return Error{ErrorCode::budget_exceeded, 0, "The JPEG is too long."};
  }
  const auto size = static_cast<unsigned long>(bytes.size());
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(handle.get(), data, size, &width, &height, &sampling, &colours) != 0 ||
      width <= 0 || height <= 0) {
    return broken(handle.get());
  }
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    return Error{ErrorCode::not_supported, 0, "The JPEG is one for printing (CMYK)."};
  }
  Image image{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), format, {}};
  const std::uint64_t pixels = std::uint64_t{image.width} * image.height;
  if (image.width > limits.max_side || image.height > limits.max_side ||
      pixels > limits.max_pixels) {
    return Error{ErrorCode::budget_exceeded, 0, "The JPEG is larger than ImageLimits allows."};
  }
  if (count_scans(bytes) > limits.max_jpeg_scans) {
    return Error{ErrorCode::budget_exceeded, 0, "The JPEG has more scans than ImageLimits allows."};
  }
  image.pixels.resize(static_cast<std::size_t>(pixels * bytes_per_pixel(format)));
  // The first warning is the end: a picture that is cut off would be filled up with grey.
  if (tjDecompress2(handle.get(), data, size, reinterpret_cast<unsigned char*>(image.pixels.data()),
                    width, 0, height, turbo_format(format),
                    TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_FASTDCT) != 0) {
    return broken(handle.get());
  }
  return image;
}

}  // namespace tickwire
