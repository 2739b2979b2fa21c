// SPDX-License-Identifier: MIT
#include <tickwire/tickwire.hpp>

/// What a user is told who sends an object without a name on the wire: this must not compile.
struct Nameless {
  int x = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x);
  }
};

int main() {
  tickwire::Host host;
  return host.broadcast(Nameless{}).queued > 0 ? 0 : 1;
}
