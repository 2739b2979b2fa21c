// SPDX-License-Identifier: MIT
#include "client/client.hpp"

#include <algorithm>
#include <tickwire/codec.hpp>
#include <utility>

#include "demos/shared/secret.hpp"

namespace voice {
namespace {

tickwire::HostConfig host_config(const ClientConfig& config) {
  tickwire::HostConfig host = config.host;
  host.application = application;
  host.tick_rate_hz = 1000.0 / static_cast<double>(frame_duration.count());
  host.channels = channels();
  host.limits.max_connections = 1;
  host.limits.max_message_bytes = max_message_bytes;
  host.events = tickwire::EventMask::all().without(tickwire::EventType::data_sent);
  return host;
}

// For a relay's machine to start anew, and a laptop to be carried to another room. A first call
// that fails is to be told at once.
const tickwire::ReconnectPolicy patience{
    .max_attempts = 60, .retry_first_call = false, .max_delay = std::chrono::seconds(5)};

void add(TalkerCounters& sum, const TalkerCounters& more) {
  sum.packets.received += more.packets.received;
  sum.packets.late += more.packets.late;
  sum.packets.lost += more.packets.lost;
  sum.packets.duplicates += more.packets.duplicates;
  sum.packets.discarded += more.packets.discarded;
  sum.concealed += more.concealed;
  sum.recovered += more.recovered;
  sum.malformed += more.malformed;
}

// People come and go all night; what is kept of them has an end.
void count(std::vector<HeardTalkerCounters>& list, const std::string& name,
           const TalkerCounters& counters) {
  const auto find = [&](const std::string& wanted) {
    return std::find_if(list.begin(), list.end(),
                        [&](const HeardTalkerCounters& each) { return each.name == wanted; });
  };
  const std::string& under = list.size() < Client::most_others ? name : "(others)";
  auto found = find(name);
  if (found == list.end()) found = find(under);
  if (found == list.end()) found = list.insert(found, HeardTalkerCounters{under, {}});
  add(found->counters, counters);
}

}  // namespace

tickwire::Result<std::unique_ptr<Client>> Client::create(ClientConfig config, SoundSource* source,
                                                         SoundSink* sink) {
  auto encoder = Encoder::create(config.encoder);
  if (!encoder) return std::move(encoder).error();
  std::unique_ptr<Client> client(new Client(std::move(config), *std::move(encoder), source, sink));
  auto connection = client->host_.connect(client->config_.url,
                                          {.name = client->config_.name, .reconnect = patience});
  if (!connection) return std::move(connection).error();
  client->connection_ = *connection;
  return client;
}

Client::Client(ClientConfig config, Encoder encoder, SoundSource* source, SoundSink* sink)
    : config_(std::move(config)),
      encoder_(std::move(encoder)),
      gate_(config_.activity),
      source_(source),
      sink_(sink),
      host_(host_config(config_)),
      seat_(demo::random_secret()) {
  host_.on_update([this](const tickwire::Tick& tick) { step(tick); });
}

void Client::run_for(tickwire::Duration timeout) {
  for (auto event = host_.wait_for(timeout); event; event = host_.poll())
    handle(*event);
}

void Client::leave() {
  if (state_ == State::away) return end({tickwire::ErrorCode::closed_locally, 0, {}});
  if (is_speaking_) say({});
  connection_.close("goodbye");
}

void Client::handle(const tickwire::Event& event) {
  switch (event.type) {
    case tickwire::EventType::connected:
      ask_for_room(event.connection);
      break;
    case tickwire::EventType::object_received:
      handle_object(event);
      break;
    case tickwire::EventType::disconnected:
      lose(event);
      break;
    case tickwire::EventType::error:
      end(event.error);
      break;
    default:
      break;
  }
}

void Client::ask_for_room(tickwire::Connection connection) {
  connection_ = connection;
  if (state_ == State::ended) return;
  if (state_ == State::connecting) state_ = State::joining;
  asked_at_ = host_.now();
  const auto sent = connection_.send(JoinRoom{config_.room, seat_}, {.channel = room_channel});
  if (sent) return;
  connection_.close("goodbye");
  end(sent.error());
}

// Who was never in the room has nothing to come back to.
void Client::lose(const tickwire::Event& event) {
  if (state_ == State::ended) return;
  const tickwire::Connection again = event.connection.successor();
  if (!was_in_room_ || again == tickwire::Connection()) {
    again.close();
    return end(event.error);
  }
  if (state_ == State::talking) last_stats_ = event.connection.stats();
  state_ = State::away;
  error_ = event.error;
  is_speaking_ = false;
  while (!talkers_.empty())
    remove_talker(talkers_.begin()->first);
}

void Client::handle_object(const tickwire::Event& event) {
  if (state_ == State::ended) return;
  if (event.is<Speech>()) {
    hear(event);
  } else if (const auto joined = event.as<RoomJoined>()) {
    enter_room(*joined);
  } else if (const auto news = event.as<MemberJoined>()) {
    add_talker(news->member);
  } else if (const auto left = event.as<MemberLeft>()) {
    remove_talker(left->talker);
  }
}

void Client::enter_room(const RoomJoined& joined) {
  own_talker_ = joined.own_talker;
  // What was said before anybody could hear it is not said late.
  if (!was_in_room_ && source_ != nullptr) source_->drop_queued();
  state_ = State::talking;
  was_in_room_ = true;
  for (const Member& member : joined.others)
    add_talker(member);
}

void Client::hear(const tickwire::Event& event) {
  if (event.read(incoming_) != tickwire::ErrorCode::none) return;
  const auto found = talkers_.find(incoming_.talker);
  if (found == talkers_.end()) return;
  std::optional<TalkerStream>& stream = found->second.stream;
  if (!stream) {
    auto made = TalkerStream::create(config_.jitter);
    if (!made) return end(made.error());
    stream.emplace(*std::move(made));
  }
  stream->receive(incoming_.sequence, incoming_.opus);
}

void Client::add_talker(const Member& member) {
  if (state_ == State::ended) return;
  remove_talker(member.talker);
  if (talkers_.size() >= most_others) {
    connection_.close("too many members");
    return end(
        {tickwire::ErrorCode::protocol_violation, 0,
         "The relay tells of more than " + std::to_string(most_others) + " people in the room."});
  }
  std::string name = member.name.substr(0, max_name_bytes);
  const int volume = volume_percent(name);
  talkers_.emplace(member.talker, Talker{std::move(name), std::nullopt, volume, std::nullopt});
}

void Client::remove_talker(std::uint16_t talker) {
  const auto found = talkers_.find(talker);
  if (found == talkers_.end()) return;
  if (found->second.stream) count(gone_, found->second.name, found->second.stream->counters());
  talkers_.erase(found);
}

void Client::step(const tickwire::Tick&) {
  if (state_ == State::ended) return;
  const bool asks = state_ == State::joining || (state_ == State::away && connection_.is_open());
  if (asks && host_.now() - asked_at_ > time_to_join) {
    connection_.close("no answer");
    return end({tickwire::ErrorCode::timed_out, 0,
                "The relay did not answer the request for the room within 5 seconds."});
  }
  if (!was_in_room_) return;
  speak();
  if (state_ != State::ended) play();
}

void Client::speak() {
  Frame frame;
  while (source_ != nullptr && source_->pull(frame) == SoundSource::Pull::frame) {
    if (!capture_started_) capture_started_ = host_.now() - frame_duration;
    const bool is_speech = gate_.judge(frame) == ActivityGate::Verdict::send && may_speak();
    if (is_speech) {
      if (const auto packet = encoder_.encode(frame)) say(*packet);
    } else if (is_speaking_) {
      say({});
    }
    ++outgoing_.sequence;
    if (!source_->is_live()) break;
  }
  if (source_ == nullptr) return;
  if (const auto lost = source_->failure()) {
    connection_.close("the microphone is lost");
    end(*lost);
  }
}

bool Client::may_speak() const noexcept {
  return !is_muted_ && (holds_key_ || microphone() != Microphone::push_to_talk);
}

void Client::say(std::span<const std::byte> opus) {
  is_speaking_ = !opus.empty() && state_ == State::talking;
  if (state_ != State::talking) return;
  outgoing_.talker = own_talker_;
  outgoing_.opus.assign(opus.begin(), opus.end());
  if (connection_.send(outgoing_, {.channel = speech_channel}) && !opus.empty()) ++speech_sent_;
}

void Client::play() {
  Frame frame;
  for (auto& [number, talker] : talkers_) {
    if (!talker.stream || talker.stream->next(frame) != TalkerStream::Sound::speech) continue;
    if (level_dbfs(frame) > config_.activity.threshold_dbfs) {
      talker.spoke_at = host_.now();
    }
    if (!is_deafened_) mixer_.add(frame, talker.volume_percent);
  }
  const Frame mixed = mixer_.take();
  if (sink_ == nullptr) return;
  if (!playback_started_) playback_started_ = host_.now();
  if (auto played = sink_->push(mixed); !played) end(played.error());
}

void Client::mute() {
  is_muted_ = true;
  was_muted_ = true;
}

void Client::unmute() {
  is_muted_ = false;
  is_deafened_ = false;
}

void Client::deafen() {
  if (std::exchange(is_deafened_, true)) return;
  was_muted_ = std::exchange(is_muted_, true);
}

void Client::undeafen() {
  if (std::exchange(is_deafened_, false)) is_muted_ = was_muted_;
}

tickwire::Result<void> Client::set_volume(const std::string& name, int percent) {
  using tickwire::ErrorCode;
  if (percent < 0 || percent > most_volume_percent) {
    return tickwire::Error{ErrorCode::invalid_argument, 0,
                           "A volume is a whole number from 0 to " +
                               std::to_string(most_volume_percent) + " percent."};
  }
  const auto found = std::find_if(talkers_.begin(), talkers_.end(),
                                  [&](const auto& each) { return each.second.name == name; });
  if (found == talkers_.end()) {
    return tickwire::Error{ErrorCode::invalid_argument, 0,
                           "Nobody in the room is called " + name + "."};
  }
  found->second.volume_percent = percent;
  volumes_percent_.erase(name);
  if (percent == full_volume_percent) return {};
  if (volumes_percent_.size() >= most_others) volumes_percent_.erase(volumes_percent_.begin());
  volumes_percent_.emplace(name, percent);
  return {};
}

int Client::volume_percent(const std::string& name) const {
  const auto found = volumes_percent_.find(name);
  return found == volumes_percent_.end() ? full_volume_percent : found->second;
}

void Client::end(tickwire::Error error) {
  if (state_ == State::ended) return;
  if (state_ != State::away) last_stats_ = connection_.stats();
  state_ = State::ended;
  error_ = std::move(error);
}

std::vector<std::string> Client::others() const {
  std::vector<std::string> names;
  for (const auto& [number, talker] : talkers_)
    names.push_back(talker.name);
  return names;
}

std::vector<Companion> Client::companions() const {
  std::vector<Companion> all;
  const tickwire::TimePoint now = host_.now();
  for (const auto& [number, talker] : talkers_) {
    const bool speaks = talker.spoke_at && now - *talker.spoke_at <= speaking_lasts;
    all.push_back({talker.name, talker.volume_percent, speaks});
  }
  return all;
}

std::vector<HeardTalkerCounters> Client::heard() const {
  std::vector<HeardTalkerCounters> all = gone_;
  for (const auto& [number, talker] : talkers_) {
    count(all, talker.name, talker.stream ? talker.stream->counters() : TalkerCounters());
  }
  return all;
}

tickwire::ConnectionStats Client::stats() const {
  return state_ == State::ended || state_ == State::away ? last_stats_ : connection_.stats();
}

}  // namespace voice
