// SPDX-License-Identifier: MIT
#include "demos/shared/lines.hpp"

#include <future>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

namespace demo {

bool read_line(std::istream& from, std::string& line) {
  line.clear();
  bool is_ended = false;
  for (char letter = 0; !is_ended && from.get(letter);) {
    is_ended = letter == '\n';
    if (!is_ended && line.size() < max_line_bytes) line += letter;
  }
  if (is_ended && !line.empty() && line.back() == '\r') line.pop_back();
  return is_ended || !line.empty();
}

void read_lines(tickwire::Poster post, std::function<void(const std::string&)> take_line,
                std::function<void()> end) {
  std::cin.tie(nullptr);  // else reading would flush standard output beside the host's thread
  std::thread([post = std::move(post), take_line = std::move(take_line), end = std::move(end)] {
    for (std::string line; read_line(std::cin, line);) {
      auto taken = std::make_shared<std::promise<void>>();
      const std::future<void> is_taken = taken->get_future();
      const bool is_posted = post([&take_line, line, taken = std::move(taken)] {
        take_line(line);
        taken->set_value();
      });
      if (!is_posted) return;
      is_taken.wait();  // it ends with the host, too: the promise does
    }
    if (end) post(end);
  }).detach();
}

}  // namespace demo
