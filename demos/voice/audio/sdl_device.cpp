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

// What was played while the program stood still is of use for as long as what was recorded.
constexpr std::size_t most_handed_frames = most_queued_frames + handed_over_frames;

}  // namespace

Result<std::unique_ptr<SdlCapture>> SdlCapture::open(const std::string& device_name) {
  auto device = SdlHandle::open(device_name, DeviceKind::capture);
  if (!device) return std::move(device).error();
  return std::unique_ptr<SdlCapture>(new SdlCapture(*std::move(device)));
}

SoundSource::Pull SdlCapture::pull(Frame& into) {
  std::size_t queued = SDL_GetQueuedAudioSize(device_.id()) / frame_bytes;
  for (; queued > most_queued_frames; --queued) {
    SDL_DequeueAudio(device_.id(), into.data(), frame_bytes);
    ++dropped_frames_;
  }
  if (queued == 0) {
    device_.keep_open();
    return Pull::nothing_yet;
  }
  SDL_DequeueAudio(device_.id(), into.data(), frame_bytes);
  return Pull::frame;
}

void SdlCapture::drop_queued() {
  SDL_ClearQueuedAudio(device_.id());
}

Result<std::unique_ptr<SdlPlayback>> SdlPlayback::open(const std::string& device_name) {
  auto device = SdlHandle::open(device_name, DeviceKind::playback);
  if (!device) return std::move(device).error();
  return std::unique_ptr<SdlPlayback>(new SdlPlayback(*std::move(device)));
}

SdlPlayback::SdlPlayback(SdlHandle device) : device_(std::move(device)) {
  waiting_.reserve(most_waiting_frames + 1);
  handed_.reserve(most_handed_frames + 1);
}

Result<void> SdlPlayback::push(const Frame& frame) {
  device_.keep_open();
  if (device_.failure()) return *device_.failure();
  if (device_.id() == 0) return Error{ErrorCode::invalid_argument, 0, "the loudspeaker is closed"};
  const std::size_t queued_frames = handed_over() + waiting_.size() + 1;
  if (trimmer_.judge(frame, queued_frames) == PlaybackTrimmer::Verdict::drop) {
    ++dropped_frames_;
    return hand_over();
  }
  waiting_.push_back(frame);
  const auto handed = hand_over();
  if (waiting_.size() > most_waiting_frames) {
    waiting_.erase(waiting_.begin());
    ++dropped_frames_;
  }
  return handed;
}

// A frame that the device has begun with no longer counts.
std::size_t SdlPlayback::handed_over() const {
  return SDL_GetQueuedAudioSize(device_.id()) / frame_bytes;
}

Result<void> SdlPlayback::hand_over() {
  std::size_t queued = handed_over();
  std::size_t next = 0;
  for (; queued < handed_over_frames && next < waiting_.size(); ++next, ++queued) {
    if (SDL_QueueAudio(device_.id(), waiting_[next].data(), frame_bytes) != 0) {
      return Error{ErrorCode::not_supported, 0,
                   std::string("the loudspeaker takes no more sound: ") + SDL_GetError()};
    }
    handed_.push_back(waiting_[next]);
    if (handed_.size() > most_handed_frames) handed_.erase(handed_.begin());
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(next));
  return {};
}

bool SdlPlayback::take_played(Frame& into) {
  if (handed_.size() <= handed_over()) return false;
  into = handed_.front();
  handed_.erase(handed_.begin());
  return true;
}

Result<void> SdlPlayback::close() {
  device_.close();
  return {};
}

}  // namespace voice
