// SPDX-License-Identifier: MIT
#include <algorithm>
#include <tickwire/filter.hpp>

#include <zstd.h>

namespace tickwire {
namespace {

constexpr int kMinLevel = -7;
constexpr int kMaxLevel = 19;

class ZstdFilter final : public Filter {
 public:
  // Contexts are large and slow to make, so all messages share them.
  explicit ZstdFilter(const ZstdOptions& options)
      : options_(options), packer_(ZSTD_createCCtx()), unpacker_(ZSTD_createDCtx()) {}

  [[nodiscard]] bool is_ready() const noexcept { return packer_ && unpacker_; }

  [[nodiscard]] std::string_view name() const noexcept override { return "zstd"; }
  [[nodiscard]] std::size_t room_bytes(std::size_t bytes) const noexcept override {
    return bytes < options_.min_bytes ? 0 : bytes;
  }
  [[nodiscard]] std::optional<std::size_t> apply(std::span<const std::byte> message,
                                                 std::span<std::byte> into) override {
    const std::size_t size = ZSTD_compressCCtx(packer_.get(), into.data(), into.size(),
                                               message.data(), message.size(), options_.level);
    return ZSTD_isError(size) == 0 ? std::optional(size) : std::nullopt;
  }
  [[nodiscard]] bool undo(std::span<const std::byte> transformed,
                          std::span<std::byte> into) override {
    const std::size_t size = ZSTD_decompressDCtx(unpacker_.get(), into.data(), into.size(),
                                                 transformed.data(), transformed.size());
    return ZSTD_isError(size) == 0 && size == into.size();
  }

 private:
  struct FreePacker {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  };
  struct FreeUnpacker {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };
  ZstdOptions options_;
  std::unique_ptr<ZSTD_CCtx, FreePacker> packer_;
  std::unique_ptr<ZSTD_DCtx, FreeUnpacker> unpacker_;
};

}  // namespace

Result<std::shared_ptr<Filter>> zstd_filter(const ZstdOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return Error{ErrorCode::invalid_argument, 0, "ZstdOptions::level must be -7 to 19."};
  }
  ZstdOptions usable = options;
  usable.min_bytes = std::max<std::size_t>(options.min_bytes, 1);
  auto filter = std::make_shared<ZstdFilter>(usable);
  if (!filter->is_ready()) return Error{ErrorCode::out_of_resources, 0, {}};
  return std::shared_ptr<Filter>(std::move(filter));
}

}  // namespace tickwire
