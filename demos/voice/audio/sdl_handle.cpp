// SPDX-License-Identifier: MIT
#include "audio/sdl_handle.hpp"

#include <utility>

#include "audio/frame.hpp"

// The program keeps its own main.
#define SDL_MAIN_HANDLED
#include <SDL.h>

namespace voice {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

// A device that is lost again so soon never worked; to open it again would go on for ever.
constexpr std::chrono::seconds proof{10};

/// SDL's audio, held as long as somebody uses it: SDL counts the users.
Result<void> enter_sdl() {
  // Without this SDL takes SIGINT and SIGTERM away from the program.
  SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
  SDL_SetMainReady();
  if (SDL_InitSubSystem(SDL_INIT_AUDIO) == 0) return {};
  return Error{ErrorCode::not_supported, 0,
               std::string("this machine has no sound system that SDL knows: ") + SDL_GetError()};
}

void leave_sdl() {
  SDL_QuitSubSystem(SDL_INIT_AUDIO);
}

std::string title(const std::string& name, DeviceKind kind) {
  const std::string which = kind == DeviceKind::capture ? "microphone" : "loudspeaker";
  return "the " + which + (name.empty() ? "" : " \"" + name + "\"");
}

/// SDL's number of the device, or 0.
std::uint32_t start_device(const std::string& name, DeviceKind kind) {
  SDL_AudioSpec wanted{};
  wanted.freq = sample_rate_hz;
  wanted.format = AUDIO_S16SYS;
  wanted.channels = 1;
  wanted.samples = static_cast<Uint16>(frame_samples);
  SDL_AudioSpec unused{};
  const SDL_AudioDeviceID device =
      SDL_OpenAudioDevice(name.empty() ? nullptr : name.c_str(),
                          kind == DeviceKind::capture ? 1 : 0, &wanted, &unused, 0);
  if (device != 0) SDL_PauseAudioDevice(device, 0);
  return device;
}

}  // namespace

Result<std::vector<std::string>> list_devices(DeviceKind kind) {
  if (const auto entered = enter_sdl(); !entered) return entered.error();
  const int capture = kind == DeviceKind::capture ? 1 : 0;
  std::vector<std::string> names;
  const int count = SDL_GetNumAudioDevices(capture);
  for (int index = 0; index < count; ++index) {
    if (const char* name = SDL_GetAudioDeviceName(index, capture)) names.emplace_back(name);
  }
  leave_sdl();
  return names;
}

Result<SdlHandle> SdlHandle::open(std::string name, DeviceKind kind) {
  if (const auto entered = enter_sdl(); !entered) return entered.error();
  const std::uint32_t device = start_device(name, kind);
  if (device == 0) {
    Error error{ErrorCode::not_supported, 0,
                "cannot open " + title(name, kind) + ": " + SDL_GetError()};
    leave_sdl();
    return error;
  }
  return SdlHandle(std::move(name), kind, device);
}

SdlHandle::SdlHandle(std::string name, DeviceKind kind, std::uint32_t id)
    : name_(std::move(name)), kind_(kind), id_(id) {}

SdlHandle::SdlHandle(SdlHandle&& other) noexcept
    : name_(std::move(other.name_)),
      kind_(other.kind_),
      id_(std::exchange(other.id_, 0)),
      proven_at_(other.proven_at_),
      failure_(std::move(other.failure_)) {}

SdlHandle::~SdlHandle() {
  close();
}

void SdlHandle::keep_open() {
  if (id_ == 0) return;
  if (SDL_GetAudioDeviceStatus(id_) != SDL_AUDIO_STOPPED) return;
  const auto now = std::chrono::steady_clock::now();
  if (proven_at_ && now < *proven_at_) return give_up("the one in its place was lost too");
  SDL_CloseAudioDevice(id_);
  id_ = start_device({}, kind_);
  proven_at_ = now + proof;
  if (id_ != 0) return;
  const std::string why = SDL_GetError();
  leave_sdl();
  give_up("there is no other: " + why);
}

void SdlHandle::give_up(const std::string& why) {
  failure_ = Error{ErrorCode::not_supported, 0, title(name_, kind_) + " was lost, and " + why};
  close();
}

void SdlHandle::close() noexcept {
  if (id_ == 0) return;
  SDL_CloseAudioDevice(id_);
  id_ = 0;
  leave_sdl();
}

}  // namespace voice
