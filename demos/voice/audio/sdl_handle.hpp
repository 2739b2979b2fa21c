// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/error.hpp>

namespace voice {

enum class DeviceKind { capture, playback };

/// The names of this machine's sound devices, as `SdlHandle::open` takes them.
///
/// Errors: `not_supported` when there is no sound system.
[[nodiscard]] tickwire::Result<std::vector<std::string>> list_devices(DeviceKind kind);

/// An open device of SDL, and what takes its place when it is lost: pulled out, or switched off.
///
/// Errors: `not_supported`, with a sentence that names the device.
/// Thread: one at a time, the one that opened it.
class SdlHandle {
 public:
  /// An empty name is the system's default device. It runs at once.
  static tickwire::Result<SdlHandle> open(std::string name, DeviceKind kind);

  SdlHandle(SdlHandle&& other) noexcept;
  SdlHandle& operator=(SdlHandle&&) = delete;
  ~SdlHandle();

  /// SDL's number of it; 0 once it is closed.
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

  /// Call it whenever the device is used. When it is lost, the system's default one is opened in
  /// its place; that may take a moment. If there is none, or it is lost too within ten seconds, the
  /// device is closed, and `failure` says why.
  void keep_open();

  /// Why the device was given up.
  [[nodiscard]] const std::optional<tickwire::Error>& failure() const noexcept { return failure_; }

  void close() noexcept;

 private:
  SdlHandle(std::string name, DeviceKind kind, std::uint32_t id);
  void give_up(const std::string& why);

  std::string name_;
  DeviceKind kind_;
  std::uint32_t id_;
  /// Until then the device that took a lost one's place has still to prove itself.
  std::optional<std::chrono::steady_clock::time_point> proven_at_;
  std::optional<tickwire::Error> failure_;
};

}  // namespace voice
