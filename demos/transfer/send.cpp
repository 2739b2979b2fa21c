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

/// Offers one file until the other end has it, whatever happens to the connection meanwhile.
class Sender {
 public:
  explicit Sender(const SendOptions& options)
      : options_(options), host_({.application = application, .tick_rate_hz = std::nullopt}) {
    host_.attach(transfers_);
  }

  int run() {
    tickwire::ConnectOptions call;
    call.tls = options_.tls;
    call.reconnect = {.max_attempts = options_.attempts, .first_delay = 50ms, .max_delay = 2s};
    const auto dialled = host_.connect(options_.url, call);
    if (!dialled) return demo::fail(dialled.error().message());
    while (!status_) {
      for (auto event = host_.wait_for(100ms); event; event = host_.poll())
        take(*event);
      if (demo::is_stopped() && !is_closing_) close("stopped by its user");
    }
    return *status_;
  }

 private:
  void take(const Event& event) {
    switch (event.type) {
      case EventType::connected:
        return offer(event.connection);
      case EventType::transfer_progress:
        if (const auto info = transfers_.info(event.message_id)) progress_.show(*info);
        return;
      case EventType::transfer_finished:
        return take_end(event);
      case EventType::error:
        status_ = demo::fail(event.error.message());
        return;
      case EventType::disconnected:
        return take_goodbye(event.error);
      default:
        return;
    }
  }

  void offer(tickwire::Connection connection) {
    tickwire::OfferOptions how;
    how.max_bytes_per_second = options_.max_bytes_per_second;
    const auto offered = transfers_.offer_file(connection, options_.file, how);
    if (offered) return;
    result_ = demo::fail(offered.error().message());
    close("the file cannot be read");
  }

  void take_end(const Event& event) {
    if (event.connection == tickwire::Connection()) return;  // goes on when it is back
    if (event.error.code == ErrorCode::none) {
      const auto info = transfers_.info(event.message_id);
      progress_.complete(*info);
      progress_.say("sent " + options_.file.filename().string() + ", " +
                    shown_bytes(info->size_bytes) +
                    (info->resumed_bytes > 0
                         ? ", of which " + shown_bytes(info->resumed_bytes) + " were there already"
                         : ""));
      result_ = 0;
    } else {
      progress_.say("");
      result_ = demo::fail(event.error.message());
    }
    close("all sent");
  }

  // The host calls again by itself where that makes sense.
  void take_goodbye(const tickwire::Error& error) {
    if (is_closing_) {
      status_ = result_;
    } else if (error.code == ErrorCode::closed_by_peer) {
      status_ = demo::fail("The receiver went: " + error.message() + " Start again to go on.");
    } else {
      progress_.say("lost the receiver: " + error.message());
    }
  }

  void close(const char* why) {
    is_closing_ = true;
    host_.close(why);
    if (!host_.is_connected()) status_ = result_;
  }

  const SendOptions options_;
  tickwire::Host host_;
  tickwire::Transfers transfers_;
  Progress progress_;
  int result_ = 1;
  bool is_closing_ = false;
  std::optional<int> status_;
};

}  // namespace

int send_file(const SendOptions& options) {
  return Sender(options).run();
}

}  // namespace transfer
