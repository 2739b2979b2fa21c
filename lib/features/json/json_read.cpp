// SPDX-License-Identifier: MIT
#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include <tickwire/json.hpp>

#include "lib/features/json/base64.hpp"
#include "lib/features/json/json_words.hpp"

namespace tickwire {
namespace {

using detail::JsonFailure;

constexpr std::size_t kNodeBytes = 48;

/// The bytes of a text, and how many of them the parser has taken.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedText(const char* at, std::size_t* taken) noexcept : at_(at), taken_(taken) {}
  reference operator*() const noexcept { return *at_; }
  CountedText& operator++() noexcept {
    ++at_;
    ++*taken_;
    return *this;
  }
  friend bool operator==(const CountedText& a, const CountedText& b) noexcept {
    return a.at_ == b.at_;
  }

 private:
  const char* at_;
  std::size_t* taken_;
};

/// What the library says, without its own way to count, and without all of what it quotes.
std::string without_place(std::string_view said) {
  constexpr std::size_t kLongest = 160;
  const std::size_t column = said.find("column ");
  const std::size_t end = column == said.npos ? said.npos : said.find(": ", column);
  std::string text(end == said.npos ? said : said.substr(end + 2));
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// Builds a value of what the parser says, which neither recurses nor builds anything itself.
class ValueMaker : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit ValueMaker(const DecodeLimits& limits)
      : budget_(limits.max_total_bytes), max_depth_(std::min(limits.max_depth, Value::max_depth)) {}

  [[nodiscard]] Value take() { return std::move(result_); }

  bool null() override { return put(Value()); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override {
    charge(value.size());
    return put(std::move(value));
  }
  bool binary(binary_t&) override { return false; }  // not of text

  bool start_array(std::size_t) override { return open(Value::List()); }
  bool start_object(std::size_t) override { return open(Value::Map()); }
  bool end_array() override { return close(); }
  bool end_object() override { return close(); }
  bool key(string_t& name) override {
    charge(name.size() + kNodeBytes + sizeof(Value::Map::value_type));
    Open& top = open_.back();
    if (top.value.contains(name)) {
      throw JsonFailure(ErrorCode::malformed_object, "a key is there twice");
    }
    top.key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOutOfRange = 406;
    if (error.id == kNumberOutOfRange) {
      throw JsonFailure(ErrorCode::malformed_object, "a number is out of range");
    }
    throw JsonFailure(ErrorCode::malformed_object, without_place(error.what()));
  }

 private:
  struct Open {
    Value value;
    std::string key;  // of a map: what comes next stands under it
  };

  void charge(std::size_t bytes) {
    if (bytes > budget_) {
      throw JsonFailure(ErrorCode::budget_exceeded, "it would take more memory than a decode may");
    }
    budget_ -= bytes;
  }

  bool open(Value value) {
    // One more may be a word, which is no level of its own.
    if (open_.size() > max_depth_) fail_depth();
    open_.emplace_back().value = std::move(value);
    return true;
  }

  bool close() {
    Value value = unwrapped(std::move(open_.back().value));
    if (open_.size() > max_depth_ && (value.is_list() || value.is_map())) fail_depth();
    open_.pop_back();
    return put(std::move(value));
  }

  bool put(Value value) {
    charge(sizeof(Value));
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (Open& top = open_.back(); top.value.is_list()) {
      top.value.push_back(std::move(value));
    } else {
      top.value.map()->emplace(std::move(top.key), std::move(value));
    }
    return true;
  }

  /// What a map stands for.
  static Value unwrapped(Value value) {
    Value::Map* const entries = value.map();
    if (entries == nullptr || entries->size() != 1) return value;
    const std::string& key = entries->begin()->first;
    if (key == detail::kBytesWord) return bytes(entries->begin()->second);
    if (key == detail::kRealWord) return real(entries->begin()->second);
    if (key.size() > 1 && key[0] == detail::kWordMark && key[1] == detail::kWordMark) {
      auto entry = entries->extract(entries->begin());
      entry.key().erase(0, 1);
      entries->insert(std::move(entry));
    }
    return value;
  }

  static Value bytes(const Value& content) {
    auto decoded = content.is_string() ? detail::from_base64(*content.string()) : std::nullopt;
    if (!decoded) fail_word(detail::kBytesWord);
    return Value(std::move(*decoded));
  }

  static Value real(const Value& content) {
    using Limits = std::numeric_limits<double>;
    const std::string* const text = content.string();
    if (text != nullptr && *text == "inf") return Limits::infinity();
    if (text != nullptr && *text == "-inf") return -Limits::infinity();
    if (text == nullptr || *text != "nan") fail_word(detail::kRealWord);
    return Limits::quiet_NaN();
  }

  [[noreturn]] static void fail_word(std::string_view word) {
    throw JsonFailure(ErrorCode::malformed_object,
                      "a map with the key '" + std::string(word) + "' is not as to_json writes it");
  }
  [[noreturn]] void fail_depth() const {
    const bool is_budget = max_depth_ < Value::max_depth;
    throw JsonFailure(is_budget ? ErrorCode::budget_exceeded : ErrorCode::malformed_object,
                      "it is nested more than " + std::to_string(max_depth_) + " levels deep");
  }

  std::size_t budget_;
  std::uint32_t max_depth_;
  std::vector<Open> open_;
  Value result_;
};

}  // namespace

Result<Value> from_json(std::string_view text, const DecodeLimits& limits) {
  std::size_t taken = 0;
  const auto refused = [&taken](ErrorCode code, const std::string& reason) {
    return Error{
        code, 0,
        "The JSON text is refused: " + reason + " (at byte " + std::to_string(taken) + ")"};
  };
  if (text.size() > limits.max_total_bytes) {
    return refused(ErrorCode::budget_exceeded, "it is longer than a decode may take");
  }
  // The parser takes a zero for the end.
  if (const std::size_t zero = text.find('\0'); zero != text.npos) {
    taken = zero;
    return refused(ErrorCode::malformed_object, "there is a zero byte in it");
  }
  try {
    ValueMaker maker(limits);
    const CountedText begin(text.data(), &taken);
    const CountedText end(text.data() + text.size(), &taken);
    nlohmann::json::sax_parse(begin, end, &maker);
    return maker.take();
  } catch (const JsonFailure& failure) {
    return refused(failure.code, failure.reason);
  } catch (const std::bad_alloc&) {
    return refused(ErrorCode::budget_exceeded, "there is no memory for it");
  }
}

Result<Metadata> metadata_from_json(std::string_view text, const DecodeLimits& limits) {
  auto value = from_json(text, limits);
  if (!value) return std::move(value).error();
  if (!value->is_map()) {
    return Error{ErrorCode::malformed_object, 0, "The JSON text is refused: metadata is a map."};
  }
  return Metadata(std::move(*value->map()));
}

}  // namespace tickwire
