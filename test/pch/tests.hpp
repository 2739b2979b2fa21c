// SPDX-License-Identifier: MIT
/// What most tests include, compiled once where a build has `-Db_pch=true`. They include it
/// themselves all the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tickwire/codec.hpp>
#include <tickwire/host.hpp>
