// SPDX-License-Identifier: MIT
#include <tickwire/image.hpp>

namespace tickwire {
namespace {

Error no_jpeg() {
  return {ErrorCode::not_supported, 0,
          "This build has no JPEG (it was configured without libjpeg-turbo)."};
}

}  // namespace

bool has_jpeg() noexcept {
  return false;
}

Result<std::vector<std::byte>> encode_jpeg(const Image&, int) {
  return no_jpeg();
}

Result<Image> decode_jpeg(std::span<const std::byte>, PixelFormat, const ImageLimits&) {
  return no_jpeg();
}

}  // namespace tickwire
