// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <typeinfo>
#include <vector>

namespace tickwire::detail {

/// A shared object of a decode.
struct SharedObject {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::shared_ptr<void> object;
  const std::type_info* type = nullptr;
  std::size_t outer = kNone;  // the shared object that was being read when this one began
  std::uint32_t depth = 0;    // where it began
  std::uint32_t height = 0;   // levels of what it owns
  bool complete = false;
};

/// One shared object owns another.
struct OwnershipTie {
  std::uint32_t owner;
  std::uint32_t owned;
  std::uint32_t levels;  ///< from where the owner begins
};

/// Which shared object owns which, and so how deep one destruction would lead into another. Where
/// nothing is put off, reading knows as much by itself; what was put off ties together objects that
/// have been read long before.
class Ownership {
 public:
  /// `owned` lies so many levels below where `owner` begins. Pre: both have begun.
  void tie(std::size_t owner, std::size_t owned, std::uint32_t levels);

  /// Gives the objects that came since the last call the height that all ties make. Those of a ring
  /// do not add to each other's: nobody's end ends it. False: something is deeper than it may be.
  ///
  /// Pre: no tie that came since then has an owner from before then that is complete.
  [[nodiscard]] bool settle(std::vector<SharedObject>& objects, std::uint32_t max_depth);

  /// What one tie takes, also while it is settled.
  static constexpr std::size_t kTieBytes = 32;

 private:
  std::vector<OwnershipTie> ties_;  // since the last call
  std::size_t first_object_ = 0;    // since the last call
};

}  // namespace tickwire::detail
