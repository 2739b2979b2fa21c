// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <tickwire/error.hpp>

#include "demos/arena/view.hpp"

namespace arena {

/// Where the game is drawn: a window, or a picture in memory for machines without a display.
///
/// Errors: `not_supported`, with a sentence; always in a build without SDL.
/// Thread: one at a time, the one that opened it.
class Screen {
 public:
  [[nodiscard]] static tickwire::Result<Screen> open_window(const std::string& title);
  [[nodiscard]] static tickwire::Result<Screen> open_hidden();

  Screen(Screen&& other) noexcept;
  ~Screen();

  /// Which keys are down, and whether the window is still wanted. Of a hidden one nothing is heard.
  [[nodiscard]] Input keys() const;
  [[nodiscard]] bool is_wanted();

  /// Waits for the display, where that tells.
  void draw(const View& view);
  /// Writes what was drawn last, as BMP.
  [[nodiscard]] tickwire::Result<void> save(const std::string& path);

 private:
  struct Parts;
  explicit Screen(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace arena
