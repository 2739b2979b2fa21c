// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <cstdio>
#include <iostream>

namespace bench {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (static_cast<unsigned char>(letter) < 0x20) continue;
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + '"';
}

}  // namespace

Figure::Figure(const FigureHead& head) {
  add("workload", head.workload).add("peer", head.peer).add("metric", head.metric);
  add("value", head.value).add("unit", head.unit).add("better", head.better);
}

Figure& Figure::add(std::string_view name, std::string_view text) {
  return add_literal(name, quoted(text));
}

Figure& Figure::add(std::string_view name, double number) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.6g", number);
  return add_literal(name, digits);
}

Figure& Figure::add_literal(std::string_view name, std::string_view literal) {
  if (!members_.empty()) members_ += ", ";
  members_ += quoted(name) + ": ";
  members_ += literal;
  return *this;
}

void Figure::print() const {
  std::cout << '{' << members_ << '}' << std::endl;
}

}  // namespace bench
