// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <tickwire/access_list.hpp>
#include <tickwire/accounts.hpp>
#include <tickwire/tickwire.hpp>

#include "demos/chat/guest.hpp"
#include "demos/chat/messages.hpp"
#include "demos/chat/room.hpp"
#include "demos/shared/lines.hpp"
#include "demos/shared/program.hpp"
#include "demos/shared/standard_streams.hpp"
#include "demos/users/password.hpp"

/// A room to chat in, in the terminal: users log in over TLS, and nobody reads along.
namespace {

using namespace std::chrono_literals;

std::atomic<bool> stopped{false};

extern "C" void on_stop_signal(int) {
  stopped = true;
}

// Unlike by those of other demos, what waits in a call is woken: a password that is being read.
void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

struct RoomOptions {
  std::string url = "tls://0.0.0.0:7700";
  std::string users_file;
  std::string access_file;
  std::string ready_file;
  tickwire::TlsConfig tls;
};

struct JoinOptions {
  std::string url;
  tickwire::Login login;
  tickwire::TlsConfig tls;
};

tickwire::HostConfig common_config(const tickwire::TlsConfig& tls) {
  tickwire::HostConfig config;
  config.application = chat::kApplication;
  config.tick_rate_hz = 4;
  config.events = config.events.without(tickwire::EventType::data_sent);
  config.limits.max_message_bytes = 64 * 1024;
  config.timeouts.resume_window = 30s;  // a phone may change its network
  config.tls = tls;
  return config;
}

int run_room(const RoomOptions& options) {
  auto users = tickwire::UserDatabase::open(options.users_file);
  if (!users) return demo::fail(users.error().message());
  tickwire::HostConfig config = common_config(options.tls);
  config.limits.max_connections = 500;
  config.limits.max_connections_per_address = 20;
  if (!options.access_file.empty()) {
    auto access = tickwire::AccessList::open({.file = options.access_file});
    if (!access) return demo::fail(access.error().message());
    config.access = *access;
  }
  tickwire::Host host(std::move(config));
  tickwire::Accounts accounts({.users = *users});
  host.attach(accounts);
  chat::Room room(host, accounts);
  host.on_update([&](const tickwire::Tick&) { room.send_loiterers_away(); });
  const auto bound = host.listen(options.url);
  if (!bound) return demo::fail(bound.error().message());
  std::cout << "The room is at " << bound->to_string() << '\n' << std::flush;
  if (!options.ready_file.empty() &&
      !demo::write_file(options.ready_file, bound->to_string() + '\n')) {
    return demo::fail(options.ready_file + ": cannot be written.");
  }
  while (!stopped) {
    while (const auto event = host.poll())
      room.take(*event);
    if (const auto event = host.wait_for(250ms)) room.take(*event);
  }
  host.close_and_wait(3s, "the room closes");
  return 0;
}

int run_guest(JoinOptions& options) {
  std::string problem;
  if (!users::read_password(options.login.password, problem)) return demo::fail(problem);
  tickwire::Host host(common_config(options.tls));
  tickwire::Accounts accounts;
  host.attach(accounts);
  const auto room = host.connect(
      options.url, {.name = options.login.user, .timeout = 10s, .login = options.login});
  if (!room) return demo::fail(room.error().message());
  chat::Guest guest(*room);
  bool reads = false;
  while (guest.stage() != chat::Guest::Stage::gone) {
    while (const auto event = host.poll())
      guest.take(*event);
    if (const auto event = host.wait_for(250ms)) guest.take(*event);
    if (stopped) guest.leave();
    if (guest.stage() == chat::Guest::Stage::in_room && !std::exchange(reads, true)) {
      demo::read_lines(
          host.poster(), [&guest](const std::string& line) { guest.say(line); },
          [&guest] { guest.leave(); });
    }
  }
  return guest.has_left() ? 0 : 1;
}

void add_room_options(CLI::App& app, RoomOptions& options) {
  app.add_option("--listen", options.url, "where to listen")->capture_default_str();
  app.add_option("--users", options.users_file, "the users, a file that tickwire-users keeps")
      ->required();
  app.add_option("--certificate", options.tls.certificate_file,
                 "the room's certificate and its issuers, PEM");
  app.add_option("--key", options.tls.private_key_file, "the certificate's private key, PEM");
  app.add_option("--access", options.access_file, "addresses to refuse, one a line");
  app.add_option("--ready-file", options.ready_file, "written with the address when it listens");
}

void add_join_options(CLI::App& app, JoinOptions& options) {
  app.add_option("url", options.url, "where the room is, as in tls://chat.example.com:7700")
      ->required();
  app.add_option("--user", options.login.user, "who you are; the password is asked for")
      ->required();
  app.add_option("--ca", options.tls.ca_file,
                 "whose certificates to believe, PEM (default: the system's)");
  app.add_option("--pin", options.tls.pinned_certificate_file,
                 "the one certificate that the room must show, PEM");
  app.add_option("--server-name", options.tls.server_name,
                 "the name in the room's certificate (default: the address)");
}

}  // namespace

int main(int argc, char** argv) {
  demo::open_standard_streams();
  CLI::App app{"A room to chat in. Users log in over TLS; tickwire-users makes them."};
  app.require_subcommand(1);
  RoomOptions room_options;
  CLI::App* const room = app.add_subcommand("room", "keep a room");
  add_room_options(*room, room_options);
  JoinOptions join_options;
  CLI::App* const join = app.add_subcommand("join", "go into one; /quit leaves");
  add_join_options(*join, join_options);
  CLI11_PARSE(app, argc, argv);
  std::ios::sync_with_stdio(false);  // see read_lines
  catch_stop_signals();
  return demo::run_guarded(
      [&] { return room->parsed() ? run_room(room_options) : run_guest(join_options); });
}
