// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <optional>

#include "demos/arena/bot.hpp"
#include "demos/arena/client.hpp"
#include "demos/arena/report.hpp"
#include "demos/arena/schemes.hpp"
#include "demos/arena/screen.hpp"
#include "demos/shared/printable.hpp"
#include "demos/shared/program.hpp"
#include "demos/shared/seconds.hpp"
#include "demos/shared/standard_streams.hpp"

namespace {

using namespace std::chrono_literals;

struct Options {
  arena::ClientConfig client;
  bool is_bot = false;
  double seconds = 0;
  std::string report_file;
  std::string screenshot_file;
};

void read_options(CLI::App& app, Options& options) {
  app.add_option("--connect", options.client.url, "the server, as in enet://example.org:7878")
      ->required();
  app.add_option("--name", options.client.name, "what the others see, up to 24 bytes")->required();
  app.add_flag("--bot", options.is_bot, "plays by itself, without a window");
  app.add_option("--seconds", options.seconds, "leave after so long (0: stay until stopped)")
      ->check(demo::seconds());
  app.add_option("--report", options.report_file, "a file for the figures, as JSON");
  app.add_option("--screenshot", options.screenshot_file, "a file for the last picture, as BMP");
}

// A bot is drawn only where somebody wants to see it.
tickwire::Result<std::optional<arena::Screen>> open_screen(const Options& options) {
  using Opened = std::optional<arena::Screen>;
  if (options.is_bot && options.screenshot_file.empty()) return Opened();
  auto screen = options.is_bot ? arena::Screen::open_hidden() : arena::Screen::open_window("arena");
  if (!screen) return screen.error();
  return Opened(std::in_place, *std::move(screen));
}

// Draws as often as the display shows it; without one to wait for, a hundred times a second.
void play(arena::Client& client, arena::Screen* screen, double seconds) {
  const demo::Deadline end(seconds);
  auto drawn_at = std::chrono::steady_clock::time_point();
  while (!demo::is_stopped() && !end.is_over() && client.state() != arena::Client::State::ended) {
    client.run_for(2ms);
    if (screen == nullptr || std::chrono::steady_clock::now() - drawn_at < 10ms) continue;
    drawn_at = std::chrono::steady_clock::now();
    screen->draw(client.view());
    if (!screen->is_wanted()) return;
  }
}

// Lets the server hear the goodbye, for a second at most; says what went wrong before.
int leave(arena::Client& client) {
  if (client.state() == arena::Client::State::ended) return demo::fail(client.error().message());
  client.leave();
  const demo::Deadline goodbye(1.0);
  while (client.state() != arena::Client::State::ended && !goodbye.is_over())
    client.run_for(20ms);
  return client.was_in_game() ? 0 : demo::fail("The server was not reached in this time.");
}

// What `report` says, and the picture that was drawn last. Whether both are there.
bool write_files(const Options& options, const std::string& report, arena::Screen* screen) {
  bool are_written = true;
  if (!options.report_file.empty() && !demo::write_file(options.report_file, report)) {
    are_written = demo::fail("The file " + options.report_file + " cannot be written.") == 0;
  }
  if (options.screenshot_file.empty()) return are_written;
  const auto saved = screen->save(options.screenshot_file);
  return saved ? are_written : demo::fail(saved.error().message()) == 0;
}

int run(Options& options) {
  auto screen = open_screen(options);
  if (!screen) return demo::fail(screen.error().message());
  arena::Screen* const shown = *screen ? &**screen : nullptr;
  options.client.keys = [&](const arena::View& view) {
    return options.is_bot ? arena::play(view) : shown->keys();
  };
  auto created = arena::Client::create(options.client);
  if (!created) return demo::fail(created.error().message());
  arena::Client& client = **created;
  play(client, shown, options.seconds);
  const std::string report = arena::report_json(client, options.client.name);
  // A file that cannot be written must cost the others neither the goodbye nor us the real reason.
  const int status = leave(client);
  return write_files(options, report, shown) ? status : 1;
}

}  // namespace

int main(int argc, char** argv) {
  demo::open_standard_streams();
  Options options;
  CLI::App app("Plays in a tickwire-arena-server: WASD or arrows move, space dashes.",
               "tickwire-arena");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (const std::string reason = arena::scheme_objection(options.client.url); !reason.empty()) {
    return demo::fail(reason);
  }
  options.client.news = [](const std::string& line) {
    std::cout << demo::printable(line) << std::endl;
  };
  demo::catch_stop_signals();
  return demo::run_guarded([&] { return run(options); });
}
