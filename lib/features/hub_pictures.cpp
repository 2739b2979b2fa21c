// SPDX-License-Identifier: MIT
#include "lib/features/hub_core.hpp"

/// Pictures: two on their way to a hub at most, and behind them the newest, for which an older one
/// makes room. The reading hub says when it has one, so that nothing depends on which receipts the
/// program wants.
namespace tickwire::detail {
namespace {

constexpr std::size_t kUnderWay = 2;

// Of one that is beyond what may be decoded, too: its sender waits for a word of it. Empty: it is
// no hub's.
std::string channel_of(const Event& event) {
  std::string channel;
  try {
    ByteReader reader(event.bytes());
    reader(channel);
  } catch (const std::exception&) {
    return {};
  }
  return channel.size() <= HubCore::kMaxNameBytes ? channel : std::string();
}

}  // namespace

void HubCore::write_picture(Host& host, Peer& peer,
                            const std::shared_ptr<const HubPicture>& picture) {
  Flow& flow = peer.flows[picture->channel];
  if (flow.waiting) ++stats.pictures_skipped;
  flow.waiting = picture;
  if (!send_next(host, peer, flow)) has_waiting = true;
}

// False: it could not be sent now, and nobody will say when.
bool HubCore::send_next(Host& host, Peer& peer, Flow& flow) {
  if (!flow.waiting || flow.under_way >= kUnderWay) return true;
  const bool has_channel = host.config().channels.size() > options.picture_channel;
  const SendOptions on = reliably(has_channel ? options.picture_channel : std::uint8_t{0});
  const auto sent = host.send(peer.who.connection, *flow.waiting, on);
  if (sent || sent.error().code != ErrorCode::send_queue_full) flow.waiting.reset();
  if (sent) ++flow.under_way;
  return !flow.waiting;
}

void HubCore::send_waiting(Host& host) {
  if (!std::exchange(has_waiting, false)) return;
  for (auto& each : peers) {
    say_taken(each.second);
    for (auto& flow : each.second.flows) {
      if (!send_next(host, each.second, flow.second)) has_waiting = true;
    }
  }
}

void HubCore::picture_taken(Host& host, const Event& event, Peer& peer) {
  const auto taken = event.as<HubPictureTaken>();
  if (!taken) return;
  const auto found = peer.flows.find(taken->channel);
  if (found == peer.flows.end() || found->second.under_way == 0) return;
  --found->second.under_way;
  if (!send_next(host, peer, found->second)) has_waiting = true;
}

void HubCore::say_taken(Peer& peer) {
  while (!peer.owed.empty()) {
    if (!peer.who.connection.send(HubPictureTaken{peer.owed.front()}, reliably())) {
      has_waiting = true;
      return;
    }
    peer.owed.pop_front();
  }
}

void HubCore::take_picture(const Event& event, Peer& peer) {
  const std::string name = channel_of(event);
  // Two of each channel are under way at most.
  if (!name.empty() && peer.owed.size() < kUnderWay * options.max_channels) {
    peer.owed.push_back(name);
  }
  say_taken(peer);
  auto picture = event.as<HubPicture>();
  if (!picture || name.empty()) {
    ++stats.pictures_malformed;
    return;
  }
  Channel* channel = channel_for(peer, picture->channel);
  if (channel == nullptr) return;
  ++channel->pictures_received;
  if (channel->picture) peer.stored_bytes -= channel->picture->data.size();
  channel->picture.reset();
  if (peer.stored_bytes + picture->data.size() > options.max_stored_bytes) {
    ++stats.values_dropped;
    return;
  }
  peer.stored_bytes += picture->data.size();
  channel->picture = *std::move(picture);
}

std::optional<Image> HubCore::open_picture(const HubPicture& picture) {
  Image image{picture.width, picture.height, static_cast<PixelFormat>(picture.format), {}};
  if (picture.is_jpeg && image.format <= PixelFormat::bgra) {
    auto decoded = decode_jpeg(picture.data, image.format, options.image);
    if (decoded && decoded->width == image.width && decoded->height == image.height) {
      return *std::move(decoded);
    }
  } else if (!picture.is_jpeg) {
    image.pixels = picture.data;
    if (check_image(image, options.image)) return image;
  }
  ++stats.pictures_malformed;
  return std::nullopt;
}

}  // namespace tickwire::detail
