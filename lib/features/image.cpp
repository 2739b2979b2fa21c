// SPDX-License-Identifier: MIT
#include <tickwire/image.hpp>

namespace tickwire {

Result<void> check_image(const Image& image, const ImageLimits& limits) {
  const auto wrong = [](const char* sentence) {
    return Error{ErrorCode::invalid_argument, 0, sentence};
  };
  if (image.format > PixelFormat::bgra) return wrong("The image has no known pixel format.");
  if (image.width == 0 || image.height == 0) return wrong("The image has no pixels.");
  if (image.width > limits.max_side || image.height > limits.max_side ||
      std::uint64_t{image.width} * image.height > limits.max_pixels) {
    return wrong("The image is larger than ImageLimits allows.");
  }
  if (image.pixels.size() !=
      std::uint64_t{image.width} * image.height * bytes_per_pixel(image.format)) {
    return wrong("The image's pixels are not width x height of its format.");
  }
  return {};
}

}  // namespace tickwire
