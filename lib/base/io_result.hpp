// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace tickwire::detail {

/// What an attempt to move bytes came to.
enum class IoStatus : std::uint8_t {
  done,
  blocked,  ///< nothing goes now
  ended,    ///< the other end has properly said that it sends nothing more
  failed,   ///< it is over
};

struct IoResult {
  IoStatus status = IoStatus::done;
  std::size_t bytes = 0;  ///< moved; above 0 when `done`
  int system_code = 0;    ///< the operating system's number when `failed`; 0 where there is none
};

}  // namespace tickwire::detail
