// SPDX-License-Identifier: MIT
#include "client/client.hpp"

#include <tickwire/codec.hpp>

namespace voice {
namespace {

tickwire::HostConfig host_config(const ClientConfig& config) {
  tickwire::HostConfig host = config.host;
  host.application = application;
  host.tick_rate_hz = 1000.0 / static_cast<double>(frame_duration.count());
  host.channels = channels();
  host.limits.max_connections = 1;
  host.limits.max_message_bytes = 64 * 1024;
  host.events = tickwire::EventMask::all().without(tickwire::EventType::data_sent);
  return host;
}

const tickwire::Clock& clock_of(const ClientConfig& config) {
  return config.host.clock != nullptr ? *config.host.clock : tickwire::steady_clock();
}

}  // namespace

tickwire::Result<std::unique_ptr<Client>> Client::create(ClientConfig config, SoundSource* source,
                                                         SoundSink* sink) {
  auto encoder = Encoder::create(config.encoder);
  if (!encoder) return std::move(encoder).error();
  std::unique_ptr<Client> client(new Client(std::move(config), *std::move(encoder), source, sink));
  auto connection = client->host_.connect(client->config_.url, {.name = client->config_.name});
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
      host_(host_config(config_)) {
  host_.on_update([this](const tickwire::Tick& tick) { step(tick); });
}

void Client::run_for(tickwire::Duration timeout) {
  for (auto event = host_.wait_for(timeout); event; event = host_.poll())
    handle(*event);
}

void Client::leave() {
  if (state_ == State::talking) say({});
  connection_.close("goodbye");
}

void Client::handle(const tickwire::Event& event) {
  switch (event.type) {
    case tickwire::EventType::connected:
      state_ = State::joining;
      connection_.send(JoinRoom{config_.room}, {.channel = room_channel});
      break;
    case tickwire::EventType::object_received:
      handle_object(event);
      break;
    case tickwire::EventType::error:
    case tickwire::EventType::disconnected:
      end(event.error);
      break;
    default:
      break;
  }
}

void Client::handle_object(const tickwire::Event& event) {
  if (event.is<Speech>()) {
    if (event.read(incoming_) != tickwire::ErrorCode::none) return;
    const auto talker = talkers_.find(incoming_.talker);
    if (talker != talkers_.end()) talker->second.stream.receive(incoming_.sequence, incoming_.opus);
  } else if (const auto joined = event.as<RoomJoined>()) {
    own_talker_ = joined->own_talker;
    state_ = State::talking;
    for (const Member& member : joined->others)
      add_talker(member);
  } else if (const auto news = event.as<MemberJoined>()) {
    add_talker(news->member);
  } else if (const auto left = event.as<MemberLeft>()) {
    remove_talker(left->talker);
  }
}

void Client::add_talker(const Member& member) {
  auto stream = TalkerStream::create(config_.jitter);
  if (!stream) return end(stream.error());
  remove_talker(member.talker);
  talkers_.emplace(member.talker, Talker{member.name, *std::move(stream)});
}

void Client::remove_talker(std::uint16_t talker) {
  const auto found = talkers_.find(talker);
  if (found == talkers_.end()) return;
  gone_.push_back({found->second.name, found->second.stream.counters()});
  talkers_.erase(found);
}

void Client::step(const tickwire::Tick&) {
  if (state_ != State::talking) return;
  speak();
  play();
}

void Client::speak() {
  Frame frame;
  while (source_ != nullptr && source_->pull(frame) == SoundSource::Pull::frame) {
    if (!capture_started_) capture_started_ = clock_of(config_).now() - frame_duration;
    switch (gate_.judge(frame)) {
      case ActivityGate::Verdict::send:
        if (const auto packet = encoder_.encode(frame)) say(*packet);
        break;
      case ActivityGate::Verdict::last:
        say({});
        break;
      case ActivityGate::Verdict::withhold:
        break;
    }
    ++outgoing_.sequence;
    if (!source_->is_live()) break;
  }
}

void Client::say(std::span<const std::byte> opus) {
  outgoing_.talker = own_talker_;
  outgoing_.opus.assign(opus.begin(), opus.end());
  if (connection_.send(outgoing_, {.channel = speech_channel}) && !opus.empty()) ++speech_sent_;
}

void Client::play() {
  Frame frame;
  for (auto& [number, talker] : talkers_) {
    if (talker.stream.next(frame) == TalkerStream::Sound::speech) mixer_.add(frame);
  }
  const Frame mixed = mixer_.take();
  if (sink_ == nullptr) return;
  if (!playback_started_) playback_started_ = clock_of(config_).now();
  if (auto played = sink_->push(mixed); !played) end(played.error());
}

void Client::end(tickwire::Error error) {
  if (state_ == State::ended) return;
  last_stats_ = connection_.stats();
  state_ = State::ended;
  error_ = std::move(error);
}

std::vector<std::string> Client::others() const {
  std::vector<std::string> names;
  for (const auto& [number, talker] : talkers_)
    names.push_back(talker.name);
  return names;
}

std::vector<HeardTalkerCounters> Client::heard() const {
  std::vector<HeardTalkerCounters> all = gone_;
  for (const auto& [number, talker] : talkers_) {
    all.push_back({talker.name, talker.stream.counters()});
  }
  return all;
}

tickwire::ConnectionStats Client::stats() const {
  return state_ == State::ended ? last_stats_ : connection_.stats();
}

}  // namespace voice
