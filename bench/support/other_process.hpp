// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>

/// What the system says of a process, also of another one. All throw where it has ended.
namespace bench {

/// Its anonymous memory that is there: what it allocated and wrote to.
[[nodiscard]] std::size_t anonymous_bytes(pid_t process);

/// The processor's time that it took so far.
///
/// Units: seconds, in steps of 10 ms.
struct ProcessorTime {
  double user = 0;
  double kernel = 0;
};
[[nodiscard]] ProcessorTime processor_time(pid_t process);

}  // namespace bench
