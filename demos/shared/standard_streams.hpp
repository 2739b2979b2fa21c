// SPDX-License-Identifier: MIT
#pragma once

namespace demo {

/// Opens those of the standard streams that are closed onto nothing: else the first files that the
/// program opens would be they, and get what it says. To be called before anything is opened.
void open_standard_streams();

}  // namespace demo
