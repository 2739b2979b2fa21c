// SPDX-License-Identifier: MIT
#include "demos/arena/prediction.hpp"

#include <algorithm>

#include "demos/arena/messages.hpp"

namespace arena {
namespace {

constexpr float slide_left_per_tick = 0.85f;  // a correction is hardly to be seen after 200 ms
constexpr float farthest_slide = 200;         // from farther away the player does jump

}  // namespace

void Prediction::restart(const Body& body) {
  body_ = body;
  slide_ = {};
  unanswered_.clear();
}

void Prediction::apply(Input keys) {
  ++newest_;
  unanswered_.push_back(keys);
  if (unanswered_.size() > most_unanswered) unanswered_.pop_front();
  body_ = moved(body_, keys);
  slide_ = slide_ * slide_left_per_tick;
}

void Prediction::fill(Inputs& inputs) const {
  const std::size_t count = std::min(unanswered_.size(), inputs_per_packet);
  inputs.newest = newest_;
  inputs.keys.assign(unanswered_.end() - static_cast<std::ptrdiff_t>(count), unanswered_.end());
}

void Prediction::reconcile(const Body& body, std::uint32_t input_number) {
  if (input_number > newest_) return;  // no honest server has seen it
  while (unanswered_.size() > newest_ - input_number)
    unanswered_.pop_front();
  Body replayed = body;
  for (const Input keys : unanswered_)
    replayed = moved(replayed, keys);
  const Vec error = body_.position - replayed.position;
  body_ = replayed;
  const auto pixels = static_cast<double>(length(error));
  if (pixels < 0.01) return;
  ++corrections_.count;
  corrections_.sum += pixels;
  corrections_.largest = std::max(corrections_.largest, pixels);
  slide_ = slide_ + error;
  if (length(slide_) > farthest_slide) slide_ = {};
}

}  // namespace arena
