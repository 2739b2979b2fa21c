// SPDX-License-Identifier: MIT
#include "demos/arena/screen.hpp"

#include "demos/arena/picture.hpp"

// The program keeps its own main.
#define SDL_MAIN_HANDLED
#include <SDL.h>

namespace arena {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;

Error not_possible(const std::string& what) {
  return {ErrorCode::not_supported, 0, what + ": " + SDL_GetError()};
}

struct Free {
  void operator()(SDL_Window* window) const { SDL_DestroyWindow(window); }
  void operator()(SDL_Renderer* renderer) const { SDL_DestroyRenderer(renderer); }
  void operator()(SDL_Surface* surface) const { SDL_FreeSurface(surface); }
};

std::unique_ptr<SDL_Surface, Free> make_surface() {
  return std::unique_ptr<SDL_Surface, Free>(SDL_CreateRGBSurfaceWithFormat(
      0, static_cast<int>(width), static_cast<int>(height), 32, SDL_PIXELFORMAT_ARGB8888));
}

std::string title_of(const View& view) {
  std::string title = "arena";
  for (const View::Disk& disk : view.disks) {
    title += disk.id == view.own ? "  *" : "  ";
    title += disk.name + " " + std::to_string(disk.score);
  }
  return title;
}

}  // namespace

// Destroyed from below: the renderer goes before what it draws on.
struct Screen::Parts {
  bool has_video = false;
  std::unique_ptr<SDL_Surface, Free> surface;
  std::unique_ptr<SDL_Window, Free> window;
  std::unique_ptr<SDL_Renderer, Free> renderer;
  Picture picture;
  std::string title;

  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    renderer.reset();
    window.reset();
    if (has_video) SDL_QuitSubSystem(SDL_INIT_VIDEO);
  }
};

tickwire::Result<Screen> Screen::open_window(const std::string& title) {
  // Without this SDL takes SIGINT and SIGTERM away from the program.
  SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
  SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
  SDL_SetMainReady();
  if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
    return not_possible("This machine has no display that SDL knows");
  }
  auto parts = std::make_unique<Parts>();
  parts->has_video = true;
  parts->window.reset(SDL_CreateWindow(title.c_str(), SDL_WINDOWPOS_CENTERED,
                                       SDL_WINDOWPOS_CENTERED, static_cast<int>(width),
                                       static_cast<int>(height), SDL_WINDOW_RESIZABLE));
  if (!parts->window) return not_possible("The window cannot be opened");
  parts->renderer.reset(SDL_CreateRenderer(parts->window.get(), -1, SDL_RENDERER_PRESENTVSYNC));
  if (!parts->renderer) return not_possible("The window cannot be drawn on");
  SDL_RenderSetLogicalSize(parts->renderer.get(), static_cast<int>(width),
                           static_cast<int>(height));
  return Screen(std::move(parts));
}

tickwire::Result<Screen> Screen::open_hidden() {
  auto parts = std::make_unique<Parts>();
  parts->surface = make_surface();
  if (parts->surface) parts->renderer.reset(SDL_CreateSoftwareRenderer(parts->surface.get()));
  if (!parts->renderer) return not_possible("No picture can be drawn");
  return Screen(std::move(parts));
}

Screen::Screen(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Screen::Screen(Screen&& other) noexcept = default;
Screen::~Screen() = default;

Input Screen::keys() const {
  if (!parts_->window) return 0;
  const Uint8* const down = SDL_GetKeyboardState(nullptr);
  Input keys = 0;
  if (down[SDL_SCANCODE_A] != 0 || down[SDL_SCANCODE_LEFT] != 0) keys |= key_left;
  if (down[SDL_SCANCODE_D] != 0 || down[SDL_SCANCODE_RIGHT] != 0) keys |= key_right;
  if (down[SDL_SCANCODE_W] != 0 || down[SDL_SCANCODE_UP] != 0) keys |= key_up;
  if (down[SDL_SCANCODE_S] != 0 || down[SDL_SCANCODE_DOWN] != 0) keys |= key_down;
  if (down[SDL_SCANCODE_SPACE] != 0) keys |= key_dash;
  return keys;
}

bool Screen::is_wanted() {
  if (!parts_->window) return true;
  bool is_wanted = true;
  for (SDL_Event event; SDL_PollEvent(&event) != 0;) {
    if (event.type == SDL_QUIT) is_wanted = false;
    if (event.type == SDL_KEYDOWN && event.key.keysym.sym == SDLK_ESCAPE) is_wanted = false;
  }
  return is_wanted;
}

void Screen::draw(const View& view) {
  parts_->picture.draw(*parts_->renderer, view);
  SDL_RenderPresent(parts_->renderer.get());
  if (!parts_->window) return;
  std::string title = title_of(view);
  if (title == parts_->title) return;
  parts_->title = std::move(title);
  SDL_SetWindowTitle(parts_->window.get(), parts_->title.c_str());
}

tickwire::Result<void> Screen::save(const std::string& path) {
  // A window keeps nothing of what it has presented: the scene is drawn once more, aside.
  const auto surface = make_surface();
  std::unique_ptr<SDL_Renderer, Free> renderer;
  if (surface) renderer.reset(SDL_CreateSoftwareRenderer(surface.get()));
  if (!renderer) return not_possible("No picture can be drawn");
  parts_->picture.redraw(*renderer);
  SDL_RenderPresent(renderer.get());
  if (SDL_SaveBMP(surface.get(), path.c_str()) == 0) return {};
  return Error{ErrorCode::file_unwritable, 0, "The file " + path + " cannot be written."};
}

}  // namespace arena
