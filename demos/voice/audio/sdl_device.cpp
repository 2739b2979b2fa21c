// SPDX-License-Identifier: MIT
#include "audio/sdl_device.hpp"

// The program keeps its own main.
#define SDL_MAIN_HANDLED
#include <SDL.h>

namespace voice {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

constexpr auto frame_bytes = static_cast<Uint32>(sizeof(Frame));
constexpr auto most_queued_frames = static_cast<std::size_t>(longest_device_queue / frame_duration);

// SDL's share of the playback queue: enough for a late push, and for devices with large periods.
constexpr std::size_t handed_over_frames = 4;
constexpr std::size_t most_waiting_frames = most_queued_frames - handed_over_frames;

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

Result<std::uint32_t> open_device(const std::string& name, DeviceKind kind) {
  if (const auto entered = enter_sdl(); !entered) return entered.error();
  SDL_AudioSpec wanted{};
  wanted.freq = sample_rate_hz;
  wanted.format = AUDIO_S16SYS;
  wanted.channels = 1;
  wanted.samples = static_cast<Uint16>(frame_samples);
  const int capture = kind == DeviceKind::capture ? 1 : 0;
  SDL_AudioSpec unused{};
  const SDL_AudioDeviceID device =
      SDL_OpenAudioDevice(name.empty() ? nullptr : name.c_str(), capture, &wanted, &unused, 0);
  if (device == 0) {
    const std::string which = capture == 1 ? "microphone" : "loudspeaker";
    Error error{ErrorCode::not_supported, 0,
                "cannot open the " + which + (name.empty() ? "" : " \"" + name + "\"") + ": " +
                    SDL_GetError()};
    leave_sdl();
    return error;
  }
  SDL_PauseAudioDevice(device, 0);
  return device;
}

void close_device(std::uint32_t& device) {
  if (device == 0) return;
  SDL_CloseAudioDevice(device);
  device = 0;
  leave_sdl();
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

Result<std::unique_ptr<SdlCapture>> SdlCapture::open(const std::string& device_name) {
  const auto device = open_device(device_name, DeviceKind::capture);
  if (!device) return device.error();
  return std::unique_ptr<SdlCapture>(new SdlCapture(*device));
}

SdlCapture::~SdlCapture() {
  close_device(device_);
}

SoundSource::Pull SdlCapture::pull(Frame& into) {
  std::size_t queued = SDL_GetQueuedAudioSize(device_) / frame_bytes;
  for (; queued > most_queued_frames; --queued) {
    SDL_DequeueAudio(device_, into.data(), frame_bytes);
    ++dropped_frames_;
  }
  if (queued == 0) return Pull::nothing_yet;
  SDL_DequeueAudio(device_, into.data(), frame_bytes);
  return Pull::frame;
}

Result<std::unique_ptr<SdlPlayback>> SdlPlayback::open(const std::string& device_name) {
  const auto device = open_device(device_name, DeviceKind::playback);
  if (!device) return device.error();
  return std::unique_ptr<SdlPlayback>(new SdlPlayback(*device));
}

SdlPlayback::SdlPlayback(std::uint32_t device) : device_(device) {
  waiting_.reserve(most_waiting_frames + 1);
}

SdlPlayback::~SdlPlayback() {
  close_device(device_);
}

Result<void> SdlPlayback::push(const Frame& frame) {
  if (device_ == 0) return Error{ErrorCode::invalid_argument, 0, "the loudspeaker is closed"};
  waiting_.push_back(frame);
  const auto handed_over = hand_over();
  if (waiting_.size() > most_waiting_frames) {
    waiting_.erase(waiting_.begin());
    ++dropped_frames_;
  }
  return handed_over;
}

Result<void> SdlPlayback::hand_over() {
  std::size_t queued = SDL_GetQueuedAudioSize(device_) / frame_bytes;
  std::size_t handed_over = 0;
  while (queued < handed_over_frames && handed_over < waiting_.size()) {
    if (SDL_QueueAudio(device_, waiting_[handed_over].data(), frame_bytes) != 0) {
      return Error{ErrorCode::not_supported, 0,
                   std::string("the loudspeaker takes no more sound: ") + SDL_GetError()};
    }
    ++handed_over;
    ++queued;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(handed_over));
  return {};
}

Result<void> SdlPlayback::close() {
  close_device(device_);
  return {};
}

}  // namespace voice
