// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <tickwire/codec.hpp>
#include <tickwire/hub.hpp>

namespace tickwire::detail {

/// How two hubs greet each other, first the one that dialled.
struct HubHello {
  std::uint32_t version = 1;
  std::string name;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(version, name);
  }
};
TICKWIRE_MESSAGE(HubHello, "tickwire.hub.hello");

struct HubPicture {
  std::string channel;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint8_t format = 0;
  bool is_jpeg = false;
  std::vector<std::byte> data;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(channel, width, height, format, is_jpeg, data);
  }
};
TICKWIRE_MESSAGE(HubPicture, "tickwire.hub.picture");

/// A picture of the channel has arrived, and the next may come.
struct HubPictureTaken {
  std::string channel;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(channel);
  }
};
TICKWIRE_MESSAGE(HubPictureTaken, "tickwire.hub.taken");

/// The other hubs, what they have sent, and which pictures wait for them. hub.cpp has the greeting
/// and the values, hub_pictures.cpp the pictures.
class HubCore {
 public:
  static constexpr std::string_view kChannelKey = "tickwire.hub";
  static constexpr std::size_t kMaxNameBytes = 64;
  /// Of what hubs cannot do without, whatever the program's channels are like.
  [[nodiscard]] static SendOptions reliably(std::uint8_t channel = 0) {
    SendOptions options;
    options.delivery = Delivery::reliable;
    options.channel = channel;
    return options;
  }

  struct Stored {
    std::uint32_t type = 0;
    std::uint64_t number = 0;
    std::vector<std::byte> bytes;
  };
  /// What another hub has sent on a channel.
  struct Channel {
    std::deque<Stored> values;
    std::uint64_t values_received = 0;
    std::optional<HubPicture> picture;
    std::uint64_t pictures_received = 0;
  };
  /// Pictures on their way to another hub.
  struct Flow {
    std::size_t under_way = 0;
    std::shared_ptr<const HubPicture> waiting;
  };
  struct Peer {
    HubPeer who;
    bool has_greeted = false;  // who was dialled: what it sends may come before its greeting
    std::map<std::string, Channel, std::less<>> channels;
    std::map<std::string, Flow, std::less<>> flows;
    std::size_t stored_bytes = 0;
    std::deque<std::string> owed;  // channels of pictures that have come, still to be said
  };

  explicit HubCore(HubOptions given);

  Disposition on_event(Host& host, const Event& event);
  void forget_all();

  void take_picture(const Event& event, Peer& peer);
  void picture_taken(Host& host, const Event& event, Peer& peer);
  void write_picture(Host& host, Peer& peer, const std::shared_ptr<const HubPicture>& picture);
  void send_waiting(Host& host);
  [[nodiscard]] std::optional<Image> open_picture(const HubPicture& picture);

  HubOptions options;
  std::map<std::string, HubKeep, std::less<>> keeps;
  std::unordered_map<Connection, Peer> peers;
  std::unordered_set<Connection> called;  // those that are up or will be
  HubStats stats;
  bool has_waiting = false;

 private:
  void greet(Host& host, Connection connection) const;
  void called_up(Host& host, Connection connection);
  void greeted(Host& host, const Event& event);
  void ended(const Event& event);
  void take_value(const Event& event, Peer& peer, const std::string& name);
  [[nodiscard]] Channel* channel_for(Peer& peer, const std::string& name);
  void say_taken(Peer& peer);
  bool send_next(Host& host, Peer& peer, Flow& flow);
};

}  // namespace tickwire::detail
