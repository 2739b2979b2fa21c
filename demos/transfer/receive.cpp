// SPDX-License-Identifier: MIT
#include <chrono>

#include <tickwire/host.hpp>

#include "demos/shared/program.hpp"
#include "programs.hpp"
#include "progress.hpp"

namespace transfer {
namespace {

using namespace std::chrono_literals;
using tickwire::ErrorCode;
using tickwire::Event;
using tickwire::EventType;

/// Takes everything that is offered into its folder.
class Receiver {
 public:
  explicit Receiver(const ReceiveOptions& options)
      : options_(options),
        host_({.application = application, .tick_rate_hz = std::nullopt, .tls = options.tls}),
        transfers_({.max_size_bytes = options.max_size_bytes}) {
    host_.attach(transfers_);
  }

  int run() {
    if (!std::filesystem::is_directory(options_.folder))
      return demo::fail(options_.folder.string() + ": this is no folder.");
    const auto bound = host_.listen(options_.url);
    if (!bound) return demo::fail(bound.error().message());
    progress_.say("waits at " + bound->to_string());
    if (!options_.ready_file.empty() &&
        !demo::write_file(options_.ready_file, bound->to_string() + '\n')) {
      return demo::fail(options_.ready_file + ": cannot be written.");
    }
    while (!is_over()) {
      for (auto event = host_.wait_for(100ms); event; event = host_.poll())
        take(*event);
    }
    return say_goodbye();
  }

 private:
  [[nodiscard]] bool is_over() const {
    return demo::is_stopped() || (has_one_ && options_.once && !host_.is_connected());
  }

  void take(const Event& event) {
    switch (event.type) {
      case EventType::transfer_offered:
        return accept(event.message_id);
      case EventType::transfer_progress:
        if (const auto info = transfers_.info(event.message_id)) progress_.show(*info);
        return;
      case EventType::transfer_finished:
        return take_end(event);
      case EventType::connected:
        ++callers_;
        return;
      case EventType::disconnected:
        --callers_;
        return;
      case EventType::error:
        return progress_.say(event.error.message());
      default:
        return;
    }
  }

  void accept(tickwire::TransferId id) {
    const auto info = transfers_.info(id);
    const auto target = transfers_.accept_into_folder(id, options_.folder, options_.when_there);
    if (target) {
      progress_.say("receives " + info->name + ", " + shown_bytes(info->size_bytes) + ", from " +
                    info->connection.address().to_string());
      return;
    }
    progress_.say("refused " + info->name + ": " + target.error().message());
    // Why in detail is nothing that a stranger needs to know.
    transfers_.refuse(id, tickwire::to_string(target.error().code));
  }

  void take_end(const Event& event) {
    const auto info = transfers_.info(event.message_id);
    const std::string name = info->path.empty() ? info->name : info->path.filename().string();
    if (event.error.code != ErrorCode::none) {
      return progress_.say(name + ": " + event.error.message());
    }
    progress_.complete(*info);
    progress_.say("received " + name + ", " + shown_bytes(info->size_bytes));
    has_one_ = true;
  }

  int say_goodbye() {
    host_.close("the receiver was stopped");
    const auto end = std::chrono::steady_clock::now() + 3s;
    while (callers_ > 0 && std::chrono::steady_clock::now() < end)
      while (const auto event = host_.wait_for(20ms))
        take(*event);
    return options_.once && !has_one_ ? 1 : 0;
  }

  const ReceiveOptions options_;
  tickwire::Host host_;
  tickwire::Transfers transfers_;
  Progress progress_;
  bool has_one_ = false;
  std::size_t callers_ = 0;  // that came up and are not gone
};

}  // namespace

int receive_files(const ReceiveOptions& options) {
  return Receiver(options).run();
}

}  // namespace transfer
