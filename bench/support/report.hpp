// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// What every figure has.
struct FigureHead {
  std::string_view workload;
  std::string_view peer;
  std::string_view metric;
  double value = 0;
  std::string_view unit;
  std::string_view better;  ///< higher or lower
};

/// One figure, printed as one line of JSON.
///
/// Shape: the members of its head; what else was added says under which circumstances it holds.
class Figure {
 public:
  explicit Figure(const FigureHead& head);

  /// Adds a fact. Each name is used once.
  Figure& add(std::string_view name, std::string_view text);
  Figure& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  Figure& add(std::string_view name, double number);
  Figure& add(std::string_view name, std::unsigned_integral auto number) {
    return add_literal(name, std::to_string(number));
  }

  /// Adds that it was measured between two processes, which were not pinned.
  Figure& add_two_processes() { return add("ends", "two processes").add("pinning", "none"); }

  /// Writes the line to standard output.
  void print() const;

 private:
  Figure& add_literal(std::string_view name, std::string_view literal);
  std::string members_;
};

}  // namespace bench
