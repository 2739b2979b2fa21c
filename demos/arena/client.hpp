// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <tickwire/host.hpp>

#include "demos/arena/interpolation.hpp"
#include "demos/arena/messages.hpp"
#include "demos/arena/prediction.hpp"
#include "demos/arena/view.hpp"

namespace arena {

struct ClientConfig {
  std::string url;
  std::string name;
  /// Asked once a tick which keys are down.
  std::function<Input(const View&)> keys;
  /// Told what happens, a line each. Nothing: nobody wants to know.
  std::function<void(const std::string&)> news{};
  /// Clock, memory network and log are taken over; what the protocol fixes is not.
  tickwire::HostConfig host{};
};

/// What a client can say about its time in the game, over all its connections.
struct ClientFigures {
  std::uint64_t ticks = 0;               ///< in the game
  tickwire::ConnectionStats connection;  ///< its sums; the rest of the newest connection
  CorrectionCounters corrections;
  InterpolationCounters snapshots;
  std::uint64_t returns = 0;  ///< over another connection
};

/// One player: sends keys, predicts what they do to the own disk, and shows the others between
/// snapshots. When the connection is lost in the game, it calls again, for some minutes. A first
/// call that fails, and a goodbye of the server, end it.
class Client {
 public:
  enum class State { connecting, joining, playing, away, ended };

  /// For the server to answer the request for a place.
  static constexpr tickwire::Duration time_to_join = std::chrono::seconds(5);

  /// Errors: what the URL or the name is refused for.
  [[nodiscard]] static tickwire::Result<std::unique_ptr<Client>> create(ClientConfig config);

  /// Handles what has arrived and runs the ticks that are due, after sleeping for up to `timeout`
  /// while there is nothing.
  void run_for(tickwire::Duration timeout);
  /// Says goodbye; a few more `run_for` let it arrive.
  void leave();

  /// What is to be drawn now; good until the next call.
  [[nodiscard]] const View& view();

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool was_in_game() const noexcept { return was_in_game_; }
  /// Why it ended, or is away.
  [[nodiscard]] const tickwire::Error& error() const noexcept { return error_; }
  [[nodiscard]] const Prediction& prediction() const noexcept { return prediction_; }
  [[nodiscard]] ClientFigures figures() const;

 private:
  explicit Client(ClientConfig config);

  void handle(const tickwire::Event& event);
  void handle_object(const tickwire::Event& event);
  void ask_for_place(tickwire::Connection connection);
  void enter(const Welcome& welcome);
  void take(const Snapshot& snapshot);
  void lose(const tickwire::Event& event);
  void note_figures();
  void tick();
  void end(tickwire::Error error);
  void tell(const std::string& line) const;
  [[nodiscard]] std::string name_of(PlayerId id) const;

  ClientConfig config_;
  tickwire::Host host_;
  tickwire::Connection connection_;
  State state_ = State::connecting;
  std::uint64_t seat_;  // see `Join`
  tickwire::TimePoint asked_at_{};
  tickwire::Error error_;

  PlayerId own_ = 0;
  PlayerId crown_ = 0;
  std::unordered_map<PlayerId, Member> members_;
  Prediction prediction_;
  Interpolation others_;
  ClientFigures figures_;  // of connections that are over
  bool was_in_game_ = false;
  View view_;  // reused, as the next two
  Snapshot incoming_;
  Inputs outgoing_;
};

}  // namespace arena
