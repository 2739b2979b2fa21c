// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <typeinfo>

namespace tickwire::detail {

/// An object at an address. Objects of two types may share one.
struct Place {
  const void* address;
  const std::type_info* type;
  bool operator<(const Place& other) const noexcept {
    if (address != other.address) return std::less<>()(address, other.address);
    return type->before(*other.type);
  }
};

}  // namespace tickwire::detail
