// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// One figure, printed as one line of JSON.
///
/// Shape: `workload`, `peer`, `metric`, `value`, `unit` and `better` ("higher" or "lower") are
/// always
///        there; what else was added says under which circumstances the value holds.
class Figure {
 public:
  /// Adds a fact. Each name is used once.
  Figure& add(std::string_view name, std::string_view text);
  Figure& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  Figure& add(std::string_view name, double number);
  Figure& add(std::string_view name, std::unsigned_integral auto number) {
    return add_literal(name, std::to_string(number));
  }

  /// Writes the line to standard output.
  void print() const;

 private:
  Figure& add_literal(std::string_view name, std::string_view literal);
  std::string members_;
};

}  // namespace bench
