// SPDX-License-Identifier: MIT
#include <tickwire/hub.hpp>

#include <algorithm>

#include "lib/base/harmless.hpp"
#include "lib/features/hub_core.hpp"

namespace tickwire {
namespace detail {

HubCore::HubCore(HubOptions given) : options(std::move(given)) {
  if (options.name.size() > kMaxNameBytes) options.name.resize(kMaxNameBytes);
}

void HubCore::greet(Host& host, Connection connection) const {
  static_cast<void>(host.send(connection, HubHello{1, options.name}, reliably()));
}

// The one that dialled greets first, so that programs without a hub are left alone.
void HubCore::greeted(Host& host, const Event& event) {
  const Connection connection = event.connection;
  auto hello = event.as<HubHello>();
  if (!hello || hello->name.size() > kMaxNameBytes) {
    connection.close("The hub's greeting is not right.");
    return;
  }
  const bool is_accepted = connection.direction() == Direction::accepted;
  if (!is_accepted && !called.contains(connection)) return;
  Peer& peer = peers[connection];
  if (std::exchange(peer.has_greeted, true)) return;
  peer.who = {connection, connection.name(), harmless_characters(hello->name, {}, '?')};
  if (is_accepted) greet(host, connection);
}

void HubCore::called_up(Host& host, Connection connection) {
  peers[connection].who.connection = connection;
  greet(host, connection);
}

// A lost call goes on as the one that the host makes in its place.
void HubCore::ended(const Event& event) {
  const Connection connection = event.connection;
  peers.erase(connection);
  if (called.erase(connection) == 0) return;
  const Connection successor = connection.successor();
  if (successor != Connection()) called.insert(successor);
}

Disposition HubCore::on_event(Host& host, const Event& event) {
  const Connection connection = event.connection;
  if (event.is_last) ended(event);
  if (event.type == EventType::connected && called.contains(connection)) {
    called_up(host, connection);
  }
  if (event.type != EventType::object_received) return Disposition::pass;
  if (event.is<HubHello>()) {
    greeted(host, event);
    return Disposition::consume;
  }
  const auto found = peers.find(connection);
  if (found == peers.end()) return Disposition::pass;
  if (event.is<HubPicture>()) {
    take_picture(event, found->second);
  } else if (event.is<HubPictureTaken>()) {
    picture_taken(host, event, found->second);
  } else {
    const Metadata metadata = event.metadata();
    const Value* name = metadata.find(kChannelKey);
    if (name == nullptr || name->string() == nullptr) return Disposition::pass;
    take_value(event, found->second, *name->string());
  }
  return Disposition::consume;
}

void HubCore::forget_all() {
  peers.clear();
  called.clear();
}

HubCore::Channel* HubCore::channel_for(Peer& peer, const std::string& name) {
  const auto found = peer.channels.find(name);
  if (found != peer.channels.end()) return &found->second;
  if (name.empty() || name.size() > kMaxNameBytes || peer.channels.size() >= options.max_channels) {
    ++stats.channels_refused;
    return nullptr;
  }
  return &peer.channels[name];
}

void HubCore::take_value(const Event& event, Peer& peer, const std::string& name) {
  Channel* channel = channel_for(peer, name);
  if (channel == nullptr) return;
  auto& values = channel->values;
  const std::size_t bytes = event.bytes().size();
  ++channel->values_received;
  const auto drop_oldest = [&] {
    peer.stored_bytes -= values.front().bytes.size();
    values.pop_front();
  };
  const auto keep = keeps.find(name);
  if (keep == keeps.end() || keep->second == HubKeep::newest) {
    while (!values.empty())
      drop_oldest();
  }
  while (!values.empty() && (values.size() >= options.max_unread ||
                             peer.stored_bytes + bytes > options.max_stored_bytes)) {
    drop_oldest();
    ++stats.values_dropped;
  }
  if (peer.stored_bytes + bytes > options.max_stored_bytes) {
    ++stats.values_dropped;
    return;
  }
  peer.stored_bytes += bytes;
  values.push_back({event.message_type(),
                    channel->values_received,
                    {event.bytes().begin(), event.bytes().end()}});
}

}  // namespace detail

bool HubPeers::contains(const HubPeer& peer) const noexcept {
  if (direction_ && peer.connection.direction() != *direction_) return false;
  if (name_ && peer.name != *name_ && peer.hub != *name_) return false;
  return !connection_ || peer.connection == *connection_;
}

Hub::Hub(HubOptions options) : core_(std::make_unique<detail::HubCore>(std::move(options))) {}

Hub::~Hub() {
  detach();
}

Result<Address> Hub::open(std::string_view url) {
  if (host() == nullptr) {
    return Error{ErrorCode::not_supported, 0, "The hub is attached to no host."};
  }
  return host()->listen(url);
}

Result<Connection> Hub::connect(std::string_view name, std::string_view url,
                                ConnectOptions options) {
  if (host() == nullptr) {
    return Error{ErrorCode::not_supported, 0, "The hub is attached to no host."};
  }
  options.name = name;
  auto dialled = host()->connect(url, options);
  if (dialled) core_->called.insert(*dialled);
  return dialled;
}

// Calls that are not up, too.
void Hub::close(const HubPeers& whom, const CloseReason& reason) {
  std::vector<Connection> all = connections(whom);
  for (const Connection& each : core_->called)
    if (whom.contains({each, each.name(), {}})) all.push_back(each);
  for (const Connection& each : all)
    each.close(reason);
}

std::vector<HubPeer> Hub::peers(const HubPeers& which) const {
  std::vector<HubPeer> found;
  for (const auto& each : core_->peers) {
    const auto& peer = each.second;
    if (peer.has_greeted && which.contains(peer.who)) found.push_back(peer.who);
  }
  std::sort(found.begin(), found.end(),
            [](const HubPeer& a, const HubPeer& b) { return a.connection < b.connection; });
  return found;
}

std::vector<Connection> Hub::connections(const HubPeers& which) const {
  std::vector<Connection> found;
  for (const HubPeer& each : peers(which))
    found.push_back(each.connection);
  return found;
}

void Hub::keep(std::string_view channel, HubKeep what) {
  core_->keeps.insert_or_assign(std::string(channel), what);
}

bool Hub::is_channel_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= detail::HubCore::kMaxNameBytes;
}

SendOptions Hub::value_options(std::string_view channel) const {
  SendOptions options = detail::HubCore::reliably(core_->options.value_channel);
  options.metadata.set(std::string(detail::HubCore::kChannelKey), Value(channel));
  return options;
}

void Hub::take_values(std::string_view channel, const HubPeers& from, std::uint32_t type,
                      const ValueReader& reader) {
  const auto keep = core_->keeps.find(channel);
  const bool takes_them = keep != core_->keeps.end() && keep->second == HubKeep::all;
  for (const HubPeer& each : peers(from)) {
    auto& peer = core_->peers.at(each.connection);
    const auto found = peer.channels.find(channel);
    if (found == peer.channels.end()) continue;
    auto& values = found->second.values;
    for (const auto& value : values) {
      if (value.type == type && reader(each.connection, value.number, value.bytes)) continue;
      ++core_->stats.values_unreadable;
    }
    if (!takes_them) continue;
    for (const auto& value : values)
      peer.stored_bytes -= value.bytes.size();
    values.clear();
  }
}

Result<void> Hub::write_image(const Image& image, const HubPeers& whom, std::string_view channel) {
  if (host() == nullptr) {
    return Error{ErrorCode::not_supported, 0, "The hub is attached to no host."};
  }
  if (!is_channel_name(channel)) {
    return Error{ErrorCode::invalid_argument, 0, "A channel's name has 1 to 64 bytes."};
  }
  if (auto fits = check_image(image, core_->options.image); !fits) return fits;
  auto picture = std::make_shared<detail::HubPicture>();
  picture->channel = channel;
  picture->width = image.width;
  picture->height = image.height;
  picture->format = static_cast<std::uint8_t>(image.format);
  picture->is_jpeg = core_->options.coding == ImageCoding::automatic && has_jpeg();
  if (picture->is_jpeg) {
    auto encoded = encode_jpeg(image, core_->options.jpeg_quality);
    if (!encoded) return encoded.error();
    picture->data = *std::move(encoded);
  } else {
    picture->data = image.pixels;
  }
  // What it is wrapped in is shorter than this.
  if (picture->data.size() + 256 > host()->config().limits.max_message_bytes) {
    return Error{ErrorCode::message_too_large, 0, "The image is above Limits::max_message_bytes."};
  }
  for (const Connection& each : connections(whom))
    core_->write_picture(*host(), core_->peers.at(each), picture);
  return {};
}

std::vector<HubItem<Image>> Hub::read_images(const HubPeers& from, std::string_view channel) {
  std::vector<HubItem<Image>> items;
  for (const HubPeer& each : peers(from)) {
    auto& peer = core_->peers.at(each.connection);
    const auto found = peer.channels.find(channel);
    if (found == peer.channels.end() || !found->second.picture) continue;
    const detail::HubPicture picture = *std::move(found->second.picture);
    found->second.picture.reset();
    peer.stored_bytes -= picture.data.size();
    if (auto image = core_->open_picture(picture)) {
      items.push_back({each.connection, found->second.pictures_received, *std::move(image)});
    }
  }
  return items;
}

HubStats Hub::stats() const noexcept {
  return core_->stats;
}

void Hub::on_detach(Host&) {
  core_->forget_all();
}

Disposition Hub::on_event(Host& host, Event& event) {
  return core_->on_event(host, event);
}

void Hub::on_pass(Host& host) {
  core_->send_waiting(host);
}

}  // namespace tickwire
