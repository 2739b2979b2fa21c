// SPDX-License-Identifier: MIT
#include "demos/shared/standard_streams.hpp"

namespace demo {

void open_standard_streams() {}

}  // namespace demo
