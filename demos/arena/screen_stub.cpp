// SPDX-License-Identifier: MIT
#include "demos/arena/screen.hpp"

/// For builds without SDL: bots play all the same.
namespace arena {
namespace {

tickwire::Error not_built() {
  return {tickwire::ErrorCode::not_supported, 0,
          "This build has no SDL to draw with; --bot plays without."};
}

}  // namespace

struct Screen::Parts {};

tickwire::Result<Screen> Screen::open_window(const std::string&) {
  return not_built();
}

tickwire::Result<Screen> Screen::open_hidden() {
  return not_built();
}

Screen::Screen(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Screen::Screen(Screen&& other) noexcept = default;
Screen::~Screen() = default;

Input Screen::keys() const {
  return 0;
}

bool Screen::is_wanted() {
  return true;
}

void Screen::draw(const View&) {}

tickwire::Result<void> Screen::save(const std::string&) {
  return not_built();
}

}  // namespace arena
