// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

#include "audio/activity.hpp"
#include "audio/mixer.hpp"
#include "audio/opus_codec.hpp"
#include "audio/sound_sink.hpp"
#include "audio/sound_source.hpp"
#include "audio/talker_stream.hpp"
#include "protocol.hpp"

namespace voice {

struct ClientConfig {
  std::string url;
  std::string room;
  std::string name;
  EncoderConfig encoder{};
  ActivityConfig activity{};
  JitterConfig jitter{};
  /// Clock, memory network and log are taken over; what the protocol fixes is not.
  tickwire::HostConfig host{};
};

/// What a client heard of one talker, whether he is still there or not.
struct HeardTalkerCounters {
  std::string name;
  TalkerCounters counters;
};

/// Somebody else in the room, as a listener has him.
struct Companion {
  std::string name;
  int volume_percent = full_volume_percent;
  bool is_speaking = false;  ///< within the last `Client::speaking_lasts`, louder than a room is
};

/// One person in a room: says what comes from a source, and plays what the others say into a sink.
/// When the connection is lost in the room, it calls again, for some minutes; meanwhile time goes
/// on in source and sink. A first call that fails, and a goodbye of the relay, end it.
///
/// Lifetime: source and sink outlive it; either may be null.
class Client {
 public:
  enum class State { connecting, joining, talking, away, ended };

  /// Who may be in a room at most; more than that no relay means honestly.
  static constexpr std::size_t most_others = 1000;
  /// For the relay to answer the request for the room.
  static constexpr tickwire::Duration time_to_join = std::chrono::seconds(5);
  /// Pauses between words are shorter.
  static constexpr tickwire::Duration speaking_lasts = std::chrono::milliseconds(200);

  /// Errors: what the URL, the name or the codec's settings are refused for.
  [[nodiscard]] static tickwire::Result<std::unique_ptr<Client>> create(ClientConfig config,
                                                                        SoundSource* source,
                                                                        SoundSink* sink);

  /// Handles what has arrived and runs the 20 ms steps that are due, after sleeping for up to
  /// `timeout` while there is nothing.
  void run_for(tickwire::Duration timeout);
  /// For other threads to call functions in `run_for`.
  [[nodiscard]] tickwire::Poster poster() const { return host_.poster(); }

  /// Who is muted says nothing; who is deafened hears nothing and is muted, too. To undeafen goes
  /// back to what was before, and to unmute also undeafens: who speaks wants to hear the answer.
  void mute();
  void unmute();
  void deafen();
  void undeafen();
  [[nodiscard]] bool is_muted() const noexcept { return is_muted_; }
  [[nodiscard]] bool is_deafened() const noexcept { return is_deafened_; }

  /// With `Microphone::push_to_talk` what is said between the two is sent.
  void begin_talk() noexcept { holds_key_ = true; }
  void end_talk() noexcept { holds_key_ = false; }
  [[nodiscard]] bool holds_key() const noexcept { return holds_key_; }
  [[nodiscard]] Microphone microphone() const noexcept { return config_.activity.microphone; }
  /// Whether what it says is sent just now.
  [[nodiscard]] bool is_speaking() const noexcept { return is_speaking_ && may_speak(); }

  /// How loud somebody is; stays with the name when he leaves and comes back. Of more names than
  /// `most_others` one is forgotten.
  ///
  /// Shape:  0 to `most_volume_percent`.
  /// Errors: `invalid_argument`: another number, or nobody of that name in the room.
  tickwire::Result<void> set_volume(const std::string& name, int percent);
  [[nodiscard]] int volume_percent(const std::string& name) const;

  /// Leaves the room; a few more `run_for` let the goodbye arrive.
  void leave();

  [[nodiscard]] State state() const noexcept { return state_; }
  /// Why it ended, or is away.
  [[nodiscard]] const tickwire::Error& error() const noexcept { return error_; }
  [[nodiscard]] std::vector<std::string> others() const;
  [[nodiscard]] std::vector<Companion> companions() const;

  [[nodiscard]] std::uint64_t speech_sent() const noexcept { return speech_sent_; }
  /// Who is in the room, and who said something before he left: one of each name, and of all names
  /// above `most_others` one together.
  [[nodiscard]] std::vector<HeardTalkerCounters> heard() const;
  /// The connection's figures; those of its last moment once it has ended or was lost.
  [[nodiscard]] tickwire::ConnectionStats stats() const;
  /// When the first sample of the source was captured, and the first of the sink played.
  [[nodiscard]] std::optional<tickwire::TimePoint> capture_started() const noexcept {
    return capture_started_;
  }
  [[nodiscard]] std::optional<tickwire::TimePoint> playback_started() const noexcept {
    return playback_started_;
  }

 private:
  Client(ClientConfig config, Encoder encoder, SoundSource* source, SoundSink* sink);

  void handle(const tickwire::Event& event);
  void handle_object(const tickwire::Event& event);
  void ask_for_room(tickwire::Connection connection);
  void enter_room(const RoomJoined& joined);
  void lose(const tickwire::Event& event);
  void hear(const tickwire::Event& event);
  void add_talker(const Member& member);
  void remove_talker(std::uint16_t talker);
  void step(const tickwire::Tick& tick);
  void speak();
  [[nodiscard]] bool may_speak() const noexcept;
  void say(std::span<const std::byte> opus);
  void play();
  void end(tickwire::Error error);

  struct Talker {
    std::string name;
    std::optional<TalkerStream> stream;  // made at the first word: it is large
    int volume_percent = full_volume_percent;
    std::optional<tickwire::TimePoint> spoke_at;
  };

  ClientConfig config_;
  Encoder encoder_;
  ActivityGate gate_;
  Mixer mixer_;
  SoundSource* source_;
  SoundSink* sink_;
  tickwire::Host host_;
  tickwire::Connection connection_;
  State state_ = State::connecting;
  bool was_in_room_ = false;
  std::uint64_t seat_;  // see `JoinRoom`
  tickwire::TimePoint asked_at_{};
  tickwire::Error error_;
  std::uint16_t own_talker_ = 0;
  std::map<std::uint16_t, Talker> talkers_;
  std::vector<HeardTalkerCounters> gone_;
  std::map<std::string, int> volumes_percent_;  // other than full
  bool is_muted_ = false;
  bool is_deafened_ = false;
  bool was_muted_ = false;  // before it was deafened
  bool holds_key_ = false;
  bool is_speaking_ = false;
  Speech incoming_;  // reused
  Speech outgoing_;  // reused
  std::uint64_t speech_sent_ = 0;
  tickwire::ConnectionStats last_stats_;
  std::optional<tickwire::TimePoint> capture_started_;
  std::optional<tickwire::TimePoint> playback_started_;
};

}  // namespace voice
