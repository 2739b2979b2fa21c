// SPDX-License-Identifier: MIT
#include <algorithm>
#include <tickwire/filter.hpp>

#include <lz4.h>

namespace tickwire {
namespace {

constexpr int kMaxAcceleration = 65'537;

char* chars(std::span<std::byte> bytes) noexcept {
  return reinterpret_cast<char*>(bytes.data());
}
const char* chars(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const char*>(bytes.data());
}

class Lz4Filter final : public Filter {
 public:
  explicit Lz4Filter(const Lz4Options& options) noexcept : options_(options) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "lz4"; }
  [[nodiscard]] std::size_t room_bytes(std::size_t bytes) const noexcept override {
    // Room for what is worth sending, and no more: LZ4 gives up where that does not do.
    return bytes < options_.min_bytes || bytes > LZ4_MAX_INPUT_SIZE ? 0 : bytes;
  }
  [[nodiscard]] std::optional<std::size_t> apply(std::span<const std::byte> message,
                                                 std::span<std::byte> into) override {
    const int size =
        LZ4_compress_fast(chars(message), chars(into), static_cast<int>(message.size()),
                          static_cast<int>(into.size()), options_.acceleration);
    return size > 0 ? std::optional(static_cast<std::size_t>(size)) : std::nullopt;
  }
  [[nodiscard]] bool undo(std::span<const std::byte> transformed,
                          std::span<std::byte> into) override {
    if (transformed.size() > LZ4_MAX_INPUT_SIZE || into.size() > LZ4_MAX_INPUT_SIZE) return false;
    const int size =
        LZ4_decompress_safe(chars(transformed), chars(into), static_cast<int>(transformed.size()),
                            static_cast<int>(into.size()));
    return size >= 0 && static_cast<std::size_t>(size) == into.size();
  }

 private:
  Lz4Options options_;
};

}  // namespace

Result<std::shared_ptr<Filter>> lz4_filter(const Lz4Options& options) {
  if (options.acceleration < 1 || options.acceleration > kMaxAcceleration) {
    return Error{ErrorCode::invalid_argument, 0, "Lz4Options::acceleration must be 1 to 65537."};
  }
  Lz4Options usable = options;
  usable.min_bytes = std::max<std::size_t>(options.min_bytes, 1);
  return std::shared_ptr<Filter>(std::make_shared<Lz4Filter>(usable));
}

}  // namespace tickwire
