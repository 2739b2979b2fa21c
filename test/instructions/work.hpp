// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace tickwire::test {

/// Something small that the library does all the time, to be repeated and measured: the same
/// messages each time, no socket, no real time.
class Work {
 public:
  virtual ~Work() = default;
  /// Does it for so many messages, rounded up to whole passes, and checks what came of them.
  ///
  /// Errors: throws when a message is not what it was, or did not arrive.
  virtual void run(std::size_t messages) = 0;
};

/// A message of a game is encoded, and decoded into another.
[[nodiscard]] std::unique_ptr<Work> make_codec_work();
/// Two sessions without a transport send each other small reliable messages, in bundles.
[[nodiscard]] std::unique_ptr<Work> make_session_work();
/// A host sends messages of a game to another over memory, which polls and reads them. Both tick.
[[nodiscard]] std::unique_ptr<Work> make_host_work();

/// One of the above: `codec`, `session` or `host`. Null for another name.
[[nodiscard]] std::unique_ptr<Work> make_work(std::string_view name);

}  // namespace tickwire::test
