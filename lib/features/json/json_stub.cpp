// SPDX-License-Identifier: MIT
#include <tickwire/json.hpp>

namespace tickwire {
namespace {

Error not_supported() {
  return {ErrorCode::not_supported, 0, "This build of Tickwire has no JSON (nlohmann-json)."};
}

}  // namespace

Result<std::string> to_json(const Value&, JsonStyle) {
  return not_supported();
}
Result<std::string> to_json(const Metadata&, JsonStyle) {
  return not_supported();
}
Result<Value> from_json(std::string_view, const DecodeLimits&) {
  return not_supported();
}
Result<Metadata> metadata_from_json(std::string_view, const DecodeLimits&) {
  return not_supported();
}

}  // namespace tickwire
