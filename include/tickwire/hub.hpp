// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/connection.hpp>
#include <tickwire/decode_limits.hpp>
#include <tickwire/export.hpp>
#include <tickwire/extension.hpp>
#include <tickwire/host.hpp>
#include <tickwire/image.hpp>
#include <tickwire/message_name.hpp>

namespace tickwire {

namespace detail {
class HubCore;

/// Defined in codec.hpp.
template <class T>
[[nodiscard]] Result<T> decode_bytes(std::span<const std::byte> bytes, const DecodeLimits& limits);
}  // namespace detail

/// What happens to the values of a channel that nobody has read yet.
enum class HubKeep : std::uint8_t {
  newest,  ///< the newest of each hub, which stays until another comes or the hub is gone
  all,     ///< all, in order, until they are read or the hub is gone
};

/// How pictures are sent.
enum class ImageCoding : std::uint8_t {
  automatic,  ///< as JPEG where the build can, which leaves alpha out; raw otherwise
  raw,        ///< as they are
};

/// Settings of a `Hub`.
struct HubOptions {
  std::string name{};  ///< what this hub calls itself; at most 64 bytes
  // What each other hub may have stored here. Above it, values are dropped and counted.
  std::size_t max_channels = 256;
  std::size_t max_unread = 1024;  ///< per channel that keeps all; then the oldest goes
  std::size_t max_stored_bytes = 32 * 1024 * 1024;
  ImageLimits image{};
  ImageCoding coding = ImageCoding::automatic;
  int jpeg_quality = 85;
  std::uint8_t value_channel = 0;    ///< which channel of the connection values travel on
  std::uint8_t picture_channel = 1;  ///< the same for pictures; 0 where there is but one
};

/// Another hub.
struct HubPeer {
  Connection connection;
  std::string name;  ///< of the connection, given by the hub that dialled
  std::string hub;   ///< what the other hub calls itself
};

/// Which of the other hubs are meant.
class HubPeers {
 public:
  [[nodiscard]] static HubPeers all() { return HubPeers(); }
  /// Those that this hub called.
  [[nodiscard]] static HubPeers dialled() { return HubPeers(Direction::dialled); }
  /// Those that called this hub.
  [[nodiscard]] static HubPeers accepted() { return HubPeers(Direction::accepted); }
  /// Those whose connection, or who themselves, have the name.
  [[nodiscard]] static HubPeers named(std::string_view name) { return HubPeers(name); }
  [[nodiscard]] static HubPeers only(Connection connection) { return HubPeers(connection); }

  [[nodiscard]] TICKWIRE_API bool contains(const HubPeer& peer) const noexcept;

 private:
  HubPeers() = default;
  explicit HubPeers(Direction direction) : direction_(direction) {}
  explicit HubPeers(std::string_view name) : name_(name) {}
  explicit HubPeers(Connection connection) : connection_(connection) {}

  std::optional<Direction> direction_;
  std::optional<std::string> name_;
  std::optional<Connection> connection_;
};

/// A value that was read, and where it comes from.
template <class T>
struct HubItem {
  Connection from;
  std::uint64_t number = 0;  ///< how many have come on its channel from there, this one included
  T value;
};

/// What a hub did not keep.
struct HubStats {
  std::uint64_t values_dropped = 0;     ///< `max_unread`, `max_stored_bytes`
  std::uint64_t channels_refused = 0;   ///< values on channels above `max_channels`
  std::uint64_t values_unreadable = 0;  ///< not of the type that was asked for, or malformed
  std::uint64_t pictures_skipped = 0;   ///< replaced by a newer one before they left
  std::uint64_t pictures_malformed = 0;
};

/// Programs that know each other by name and share values on channels with names: what one writes,
/// the others read when they like. Values are of any type that can be sent, `Value` for no type.
///
/// Connections become hubs to each other by `connect`; others of the same host are left alone. A
/// value travels as an object with its channel's name as metadata, so that a program without a hub
/// can read it, too. The program sees `connected` and `disconnected`, not the messages.
///
/// Lifetime: attached to a host, and with it for as long as it is to work.
class TICKWIRE_API Hub final : public Extension {
 public:
  explicit Hub(HubOptions options = {});
  ~Hub() override;

  /// Takes calls of other hubs. Errors as `Host::listen`; `not_supported` while not attached.
  Result<Address> open(std::string_view url);
  /// Calls another hub; both know the connection by the name. It is among `peers` once both have
  /// greeted. With `ConnectOptions::reconnect` the `Connection::successor` of a lost one is greeted
  /// as well. Errors as `Host::connect`; `not_supported` while not attached.
  Result<Connection> connect(std::string_view name, std::string_view url,
                             ConnectOptions options = {});
  /// Ends connections, and calls that are not up or are tried again.
  void close(const HubPeers& whom = HubPeers::all(), const CloseReason& reason = {});
  [[nodiscard]] std::vector<HubPeer> peers(const HubPeers& which = HubPeers::all()) const;

  /// What this hub does with unread values of a channel; `newest` unless it is said.
  void keep(std::string_view channel, HubKeep what);

  /// Sends a value to all hubs meant that are there now; none takes it when the channel's name is
  /// empty or longer than 64 bytes. Needs codec.hpp.
  template <class T>
  BroadcastResult write(std::string_view channel, const T& value,
                        const HubPeers& whom = HubPeers::all()) {
    const std::vector<Connection> targets = connections(whom);
    if (host() == nullptr || !is_channel_name(channel)) return {0, 0, targets.size()};
    return host()->send_to(targets, value, value_options(channel));
  }
  /// What has come on a channel. Values of another type, and those beyond `HostConfig::decode`, are
  /// skipped and counted. Needs codec.hpp.
  template <class T>
  [[nodiscard]] std::vector<HubItem<T>> read(std::string_view channel,
                                             const HubPeers& from = HubPeers::all()) {
    std::vector<HubItem<T>> items;
    if (host() == nullptr) return items;
    const DecodeLimits& limits = host()->config().decode;
    take_values(channel, from, message_type<T>,
                [&](Connection connection, std::uint64_t number, std::span<const std::byte> bytes) {
                  auto value = detail::decode_bytes<T>(bytes, limits);
                  if (value) items.push_back({connection, number, *std::move(value)});
                  return value.has_value();
                });
    return items;
  }

  /// Sends a picture. Who is slow gets the newest once it has got those under way, two at most, and
  /// none of those in between.
  ///
  /// Errors: those of `check_image`; `invalid_argument` for the channel's name; `message_too_large`
  /// when the host's `max_message_bytes` is too
  ///         small for it; `not_supported` while not attached.
  Result<void> write_image(const Image& image, const HubPeers& whom = HubPeers::all(),
                           std::string_view channel = "image");
  /// The newest picture of each hub, once.
  [[nodiscard]] std::vector<HubItem<Image>> read_images(const HubPeers& from = HubPeers::all(),
                                                        std::string_view channel = "image");

  [[nodiscard]] HubStats stats() const noexcept;

  void on_detach(Host& host) override;
  Disposition on_event(Host& host, Event& event) override;
  void on_pass(Host& host) override;

 private:
  using ValueReader = std::function<bool(Connection, std::uint64_t, std::span<const std::byte>)>;
  void take_values(std::string_view channel, const HubPeers& from, std::uint32_t type,
                   const ValueReader& reader);
  [[nodiscard]] static bool is_channel_name(std::string_view name) noexcept;
  [[nodiscard]] std::vector<Connection> connections(const HubPeers& which) const;
  [[nodiscard]] SendOptions value_options(std::string_view channel) const;

  std::unique_ptr<detail::HubCore> core_;
};

}  // namespace tickwire
