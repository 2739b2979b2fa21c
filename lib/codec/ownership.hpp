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
  std::size_t first_tie = 0;  // that was made since it began
  std::uint32_t height = 0;   // levels of what it owns
  bool complete = false;
  bool owned_early = false;  // before it was complete
};

/// One shared object owns another.
struct OwnershipTie {
  std::uint32_t owner;
  std::uint32_t owned;
  std::uint32_t levels;  ///< from where the owner begins
};

/// Which shared object owns which, and so how deep one destruction would lead into another. Mostly
/// reading knows as much by itself. But what was put off ties together objects that have been read
/// long before, and who is tied to an object that is still being read cannot know how high it gets.
class Ownership {
 public:
  /// How much there was at some point of a decode.
  struct Moment {
    std::size_t objects = 0;
    std::size_t ties = 0;
  };

  /// `owned` lies so many levels below where `owner` begins. Pre: both have begun.
  void tie(std::size_t owner, std::size_t owned, std::uint32_t levels);
  [[nodiscard]] std::size_t ties() const noexcept { return ties_.size(); }

  /// Gives the objects that came since then the height that the ties since then make. Those of a
  /// ring do not add to each other's: nobody's end ends it. False: something is deeper than it may
  /// be.
  ///
  /// Pre: no complete object from before then has got a tie since.
  [[nodiscard]] bool settle(std::vector<SharedObject>& objects, std::uint32_t max_depth,
                            const Moment& since);
  /// Whether that holds.
  [[nodiscard]] bool may_settle(const std::vector<SharedObject>& objects,
                                const Moment& since) const noexcept;

  /// What one tie takes, also while it is settled.
  static constexpr std::size_t kTieBytes = 32;

 private:
  std::vector<OwnershipTie> ties_;
};

}  // namespace tickwire::detail
