// SPDX-License-Identifier: MIT
#include "test/instructions/work.hpp"

namespace tickwire::test {

std::unique_ptr<Work> make_work(std::string_view name) {
  if (name == "codec") return make_codec_work();
  if (name == "session") return make_session_work();
  if (name == "host") return make_host_work();
  return nullptr;
}

}  // namespace tickwire::test
