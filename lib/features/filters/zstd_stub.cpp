// SPDX-License-Identifier: MIT
#include <tickwire/filter.hpp>

namespace tickwire {

Result<std::shared_ptr<Filter>> zstd_filter(const ZstdOptions&) {
  return Error{ErrorCode::not_supported, 0, "This build of Tickwire does without zstd."};
}

}  // namespace tickwire
