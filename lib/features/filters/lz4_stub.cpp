// SPDX-License-Identifier: MIT
#include <tickwire/filter.hpp>

namespace tickwire {

Result<std::shared_ptr<Filter>> lz4_filter(const Lz4Options&) {
  return Error{ErrorCode::not_supported, 0, "This build of Tickwire does without LZ4."};
}

}  // namespace tickwire
