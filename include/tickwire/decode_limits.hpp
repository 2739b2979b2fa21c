// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace tickwire {

/// Whether a decode takes pointers to polymorphic types, of which the bytes choose the class.
enum class PolymorphicTypes : std::uint8_t {
  refuse,  ///< only to bases for which `accepts_polymorphic` says so
  accept,  ///< whatever is registered with Cereal
};

/// Whether an object may own itself through a `shared_ptr`. Nothing frees such a ring, so bytes
/// from the network could eat the memory of a program that does not expect them. A `weak_ptr`
/// may always point back, and what `cereal::defer` ties together is the type's own choice.
///
/// Refused with it is every owner of an object that is not read to its end yet. That may be honest
/// where a `weak_ptr` leads there: send a tree whose children point back from its root, or accept.
enum class OwnershipCycles : std::uint8_t { refuse, accept };

/// What a decode may cost at most, and what it takes. An object that needs more memory or depth is
/// refused with `budget_exceeded`.
struct DecodeLimits {
  /// Memory for everything in the object, counted when a size is read and before it is allocated:
  /// elements, list and tree nodes, objects behind pointers. Memory that an object allocates in
  /// its own default constructor is not seen.
  std::size_t max_total_bytes = std::size_t{64} << 20;
  /// Objects inside objects; a container and a pointer are one each. 100 levels took 10 kB of stack
  /// in a release build and 100 kB in a debug build with sanitizers, measured on x86-64.
  std::uint32_t max_depth = 100;
  PolymorphicTypes polymorphic = PolymorphicTypes::refuse;
  OwnershipCycles cycles = OwnershipCycles::refuse;
};

inline constexpr DecodeLimits kDefaultDecodeLimits;

namespace detail {

/// The limits of a host, small enough to travel with each event.
///
/// Shape: less than 4 GiB and 65,536 levels; more becomes that.
class PackedDecodeLimits {
 public:
  constexpr PackedDecodeLimits() noexcept : PackedDecodeLimits(DecodeLimits()) {}
  constexpr PackedDecodeLimits(const DecodeLimits& limits) noexcept
      : max_total_bytes_(static_cast<std::uint32_t>(
            std::min<std::uint64_t>(limits.max_total_bytes, 0xFFFFFFFFu))),
        max_depth_(static_cast<std::uint16_t>(std::min<std::uint32_t>(limits.max_depth, 0xFFFFu))),
        polymorphic_(limits.polymorphic),
        cycles_(limits.cycles) {}

  [[nodiscard]] constexpr DecodeLimits unpacked() const noexcept {
    return {max_total_bytes_, max_depth_, polymorphic_, cycles_};
  }

 private:
  std::uint32_t max_total_bytes_;
  std::uint16_t max_depth_;
  PolymorphicTypes polymorphic_;
  OwnershipCycles cycles_;
};

}  // namespace detail

}  // namespace tickwire
