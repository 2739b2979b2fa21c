// SPDX-License-Identifier: MIT
#include <tickwire/filter.hpp>

namespace tickwire {

Filter::~Filter() = default;

}  // namespace tickwire
