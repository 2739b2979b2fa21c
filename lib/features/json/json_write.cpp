// SPDX-License-Identifier: MIT
#include <cmath>
#include <exception>
#include <new>

#include <nlohmann/json.hpp>

#include <tickwire/json.hpp>

#include "lib/features/json/base64.hpp"
#include "lib/features/json/json_words.hpp"

namespace tickwire {
namespace {

using Json = nlohmann::json;
using detail::JsonFailure;

/// Makes the tree that the library writes.
struct TreeMaker {
  std::uint32_t levels_left = Value::max_depth;

  void enter() {
    if (levels_left-- == 0)
      throw JsonFailure(ErrorCode::encode_failed, "values are nested more than 64 levels deep");
  }
  void leave() { ++levels_left; }

  Json list(const Value::List& values) {
    enter();
    Json result = Json::array();
    for (const Value& value : values)
      result.push_back(any(value));
    leave();
    return result;
  }

  Json map(const Value::Map& entries) {
    enter();
    Json result = Json::object();
    for (const auto& [key, value] : entries) {
      const bool looks_like_word = entries.size() == 1 && key.starts_with(detail::kWordMark);
      result.emplace(looks_like_word ? detail::kWordMark + key : key, any(value));
    }
    leave();
    return result;
  }

  static Json word(std::string_view name, Json content) {
    Json result = Json::object();
    result.emplace(name, std::move(content));
    return result;
  }

  static Json real(double number) {
    if (std::isfinite(number)) return number;
    if (std::isnan(number)) return word(detail::kRealWord, "nan");
    return word(detail::kRealWord, number > 0 ? "inf" : "-inf");
  }

  Json any(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::nothing:
        return nullptr;
      case Value::Kind::boolean:
        return *value.boolean();
      case Value::Kind::integer:
        return *value.integer();
      case Value::Kind::real:
        return real(*value.real());
      case Value::Kind::string:
        return *value.string();
      case Value::Kind::bytes:
        return word(detail::kBytesWord, detail::to_base64(*value.bytes()));
      case Value::Kind::list:
        return list(*value.list());
      case Value::Kind::map:
        return map(*value.map());
    }
    return nullptr;
  }
};

template <class Make>
Result<std::string> written(JsonStyle style, Make make) {
  try {
    return make().dump(style == JsonStyle::indented ? 2 : -1);
  } catch (const JsonFailure& failure) {
    return Error{failure.code, 0, failure.reason};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_resources, 0, "There is no memory for the JSON text."};
  } catch (const std::exception&) {
    // The one thing that the library does not write.
    return Error{ErrorCode::encode_failed, 0, "Text in the value is not valid UTF-8."};
  }
}

}  // namespace

Result<std::string> to_json(const Value& value, JsonStyle style) {
  return written(style, [&] { return TreeMaker().any(value); });
}

Result<std::string> to_json(const Metadata& metadata, JsonStyle style) {
  return written(style, [&] { return TreeMaker().map(metadata.entries()); });
}

}  // namespace tickwire
