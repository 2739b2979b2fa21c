// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "audio/cleaned_source.hpp"
#include "audio/sdl_device.hpp"
#include "client/client.hpp"
#include "client/console.hpp"
#include "client/report.hpp"
#include "demos/shared/lines.hpp"
#include "demos/shared/printable.hpp"
#include "demos/shared/program.hpp"
#include "demos/shared/seconds.hpp"
#include "demos/shared/standard_streams.hpp"
#include "tls_options.hpp"

namespace {

using namespace std::chrono_literals;

struct Options {
  voice::ClientConfig client;
  std::string input = "device";
  std::string output = "device";
  std::string report_file;
  double seconds = 0;
  int start_delay_ms = 0;
  bool voice_activated = false;
  bool push_to_talk = false;
  // Empty: as fits the devices.
  std::string echo_cancellation;
  std::string noise_suppression;
  std::string automatic_gain;
  bool list_devices = false;
  bool verbose = false;
};

void add_cleaning_options(CLI::App& app, Options& options) {
  const CLI::IsMember on_or_off({"on", "off"});
  app.add_option("--echo-cancellation", options.echo_cancellation,
                 "take out what the loudspeaker plays: on or off (on where both are devices)")
      ->check(on_or_off);
  app.add_option("--noise-suppression", options.noise_suppression,
                 "lower what is no speech: on or off (on for a device)")
      ->check(on_or_off);
  app.add_option("--automatic-gain", options.automatic_gain,
                 "bring speech to an even level: on or off (on for a device)")
      ->check(on_or_off);
}

void read_options(CLI::App& app, Options& options) {
  app.add_option("--connect", options.client.url, "the relay, as in enet://example.org:7777");
  app.add_option("--room", options.client.room, "the room to talk in");
  app.add_option("--name", options.client.name, "what the others see");
  app.add_option("--input", options.input, "a sound file, 'device', 'device:NAME' or 'none'");
  app.add_option("--output", options.output, "a WAV file, 'device', 'device:NAME' or 'none'");
  app.add_option("--bitrate", options.client.encoder.bitrate_bits_per_second, "bits per second")
      ->capture_default_str()
      ->check(CLI::Range(6000, 256'000));
  CLI::Option* const activated = app.add_flag("--voice-activated", options.voice_activated,
                                              "send nothing while nobody speaks");
  app.add_flag("--push-to-talk", options.push_to_talk,
               "send only between one press of Enter and the next")
      ->excludes(activated);
  add_cleaning_options(app, options);
  app.add_option("--seconds", options.seconds, "leave after so long (0: stay until stopped)")
      ->check(demo::seconds());
  app.add_option("--start-delay-ms", options.start_delay_ms, "silence before a sound file")
      ->check(CLI::Range(0, 600'000));
  app.add_option("--report", options.report_file, "a file for the figures, as JSON");
  voice::add_client_tls_options(app, options.client.host.tls);
  app.add_flag("--list-devices", options.list_devices, "print the sound devices and end");
  app.add_flag("--verbose", options.verbose, "log what the connection does");
}

bool is_device(const std::string& where) {
  return where == "device" || where.starts_with("device:");
}

bool is_file(const std::string& where) {
  return where != "none" && !is_device(where);
}

std::string device_name(const std::string& where) {
  return where.size() > 7 ? where.substr(7) : std::string();
}

tickwire::Result<std::unique_ptr<voice::SoundSource>> open_source(const Options& options) {
  if (options.input == "none") return std::unique_ptr<voice::SoundSource>();
  if (is_device(options.input)) {
    auto device = voice::SdlCapture::open(device_name(options.input));
    if (!device) return std::move(device).error();
    return std::unique_ptr<voice::SoundSource>(*std::move(device));
  }
  auto file =
      voice::WavSource::open(options.input, std::chrono::milliseconds(options.start_delay_ms));
  if (!file) return std::move(file).error();
  return std::unique_ptr<voice::SoundSource>(std::make_unique<voice::WavSource>(*std::move(file)));
}

tickwire::Result<std::unique_ptr<voice::SoundSink>> open_sink(const Options& options) {
  if (options.output == "none") return std::unique_ptr<voice::SoundSink>();
  if (is_device(options.output)) {
    auto device = voice::SdlPlayback::open(device_name(options.output));
    if (!device) return std::move(device).error();
    return std::unique_ptr<voice::SoundSink>(*std::move(device));
  }
  auto file = voice::WavSink::create(options.output);
  if (!file) return std::move(file).error();
  return std::unique_ptr<voice::SoundSink>(std::make_unique<voice::WavSink>(*std::move(file)));
}

voice::Cleaning chosen(const std::string& option, bool by_default) {
  const bool is_on = option.empty() ? by_default : option == "on";
  return is_on ? voice::Cleaning::on : voice::Cleaning::off;
}

voice::CleaningConfig cleaning_of(const Options& options) {
  const bool records = is_device(options.input);
  return {chosen(options.echo_cancellation, records && is_device(options.output)),
          chosen(options.noise_suppression, records), chosen(options.automatic_gain, records)};
}

// With all of it off, as for files, sound passes as it is.
tickwire::Result<std::unique_ptr<voice::SoundSource>> clean(
    std::unique_ptr<voice::SoundSource> source, voice::SoundSink* sink,
    const voice::CleaningConfig& config) {
  if (source == nullptr) return source;
  auto cleaned = voice::CleanedSource::create(std::move(source), sink, config);
  if (!cleaned) return std::move(cleaned).error();
  return std::unique_ptr<voice::SoundSource>(*std::move(cleaned));
}

int list_devices() {
  for (const auto& [kind, title] : {std::pair(voice::DeviceKind::capture, "microphones"),
                                    std::pair(voice::DeviceKind::playback, "loudspeakers")}) {
    const auto names = voice::list_devices(kind);
    if (!names) return demo::fail(names.error().message());
    std::cout << title << (names->empty() ? ": none\n" : ":\n");
    for (const std::string& name : *names)
      std::cout << "  " << name << '\n';
  }
  return 0;
}

// Says who comes and goes, when the room is reached, and when it is lost and found again.
class Narrator {
 public:
  void look(const voice::Client& client, const std::string& room) {
    const bool is_back = comes_back(client);
    if (client.state() != voice::Client::State::talking) return;
    const auto others = client.others();
    if (is_in_ && !is_back) {
      tell_missing(others_, others, " is gone");
      tell_missing(others, others_, " comes");
    } else {
      tell_all(others, room);
    }
    others_ = others;
    is_in_ = true;
  }
  [[nodiscard]] bool was_in() const noexcept { return is_in_; }

 private:
  bool comes_back(const voice::Client& client) {
    if (client.state() == voice::Client::State::away && !std::exchange(is_away_, true)) {
      std::cout << "away: " << demo::printable(client.error().message()) << std::endl;
    }
    if (client.state() != voice::Client::State::talking) return false;
    const bool is_back = std::exchange(is_away_, false);
    if (is_back) std::cout << "back" << std::endl;
    return is_back;
  }
  static void tell_all(const std::vector<std::string>& others, const std::string& room) {
    std::cout << "in room " << demo::printable(room) << " with "
              << (others.empty() ? "nobody yet" : "");
    for (std::size_t i = 0; i < others.size(); ++i)
      std::cout << (i > 0 ? ", " : "") << demo::printable(others[i]);
    std::cout << std::endl;
  }
  static void tell_missing(const std::vector<std::string>& these,
                           const std::vector<std::string>& among_those, const char* what) {
    for (const std::string& name : these) {
      if (std::find(among_those.begin(), among_those.end(), name) != among_those.end()) continue;
      std::cout << demo::printable(name) << what << std::endl;
    }
  }

  bool is_in_ = false;
  bool is_away_ = false;
  std::vector<std::string> others_;
};

// Until the time is up, or the connection: counted from the moment in which the room is reached.
void talk(voice::Client& client, const Options& options, Narrator& narrator,
          const voice::Console& console) {
  std::optional<demo::Deadline> end;
  while (!demo::is_stopped() && !console.wants_to_quit() &&
         client.state() != voice::Client::State::ended) {
    client.run_for(100ms);
    narrator.look(client, options.client.room);
    if (!end && narrator.was_in()) end.emplace(options.seconds);
    if (end && end->is_over()) break;
  }
}

// Lets the relay hear the goodbye; says why the client ended before, if it did.
int leave(voice::Client& client) {
  const bool has_ended = client.state() == voice::Client::State::ended;
  client.leave();
  const demo::Deadline goodbye(3.0);
  do {  // once in any case: a client that ended by itself has said goodbye, too
    client.run_for(20ms);
  } while (client.state() != voice::Client::State::ended && !goodbye.is_over());
  return has_ended ? demo::fail(client.error().message()) : 0;
}

bool write_report(const voice::Client& client, const Options& options,
                  const voice::CleaningConfig& cleaning) {
  if (options.report_file.empty()) return true;
  const voice::RecordedFiles files{is_file(options.input) ? options.input : "",
                                   is_file(options.output) ? options.output : "",
                                   std::chrono::milliseconds(options.start_delay_ms), cleaning};
  if (demo::write_file(options.report_file, voice::report_json(client, options.client, files))) {
    return true;
  }
  return demo::fail("The file " + options.report_file + " cannot be written.") == 0;
}

int run(const Options& options) {
  auto source = open_source(options);
  if (!source) return demo::fail(source.error().message());
  auto sink = open_sink(options);
  if (!sink) return demo::fail(sink.error().message());
  const voice::CleaningConfig cleaning = cleaning_of(options);
  auto cleaned = clean(*std::move(source), sink->get(), cleaning);
  if (!cleaned) return demo::fail(cleaned.error().message());
  auto client = voice::Client::create(options.client, cleaned->get(), sink->get());
  if (!client) return demo::fail(client.error().message());

  Narrator narrator;
  voice::Console console(**client, std::cout);
  // The end of standard input is not the end of a client: scripts give it none.
  demo::read_lines((*client)->poster(),
                   [&console](const std::string& line) { console.take(line); });
  talk(**client, options, narrator, console);
  // The connection's end is told before what became of the files.
  int status = leave(**client);
  if (status == 0 && !narrator.was_in()) status = demo::fail("The room was not reached in time.");
  if (*sink) {
    if (auto closed = (*sink)->close(); !closed) status = demo::fail(closed.error().message());
  }
  return write_report(**client, options, cleaning) ? status : 1;
}

bool are_same(const std::string& file, const std::string& other) {
  std::error_code error;
  return file == other || std::filesystem::equivalent(file, other, error);
}

// Of the files that are read and written each is another one; empty: so it is.
std::string file_objection(const Options& options) {
  std::vector<std::pair<std::string, std::string>> files;
  if (is_file(options.input)) files.emplace_back("--input", options.input);
  if (is_file(options.output)) files.emplace_back("--output", options.output);
  if (!options.report_file.empty()) files.emplace_back("--report", options.report_file);
  for (std::size_t i = 0; i < files.size(); ++i)
    for (std::size_t j = i + 1; j < files.size(); ++j)
      if (are_same(files[i].second, files[j].second)) {
        return files[i].first + " and " + files[j].first + " are the same file.";
      }
  return {};
}

// What stands in the way of the options as they are; empty: nothing.
std::string objection(const CLI::App& app, const Options& options) {
  const voice::ClientConfig& client = options.client;
  if (client.url.empty() || client.room.empty() || client.name.empty()) {
    return "--connect, --room and --name are needed; see --help.";
  }
  if (client.room.size() > voice::max_room_bytes) return "--room is longer than 64 bytes.";
  if (client.name.size() > voice::max_name_bytes) return "--name is longer than 64 bytes.";
  if (options.start_delay_ms > 0 && !is_file(options.input)) {
    return "--start-delay-ms is for an --input that is a sound file.";
  }
  if (options.echo_cancellation == "on" &&
      !(is_device(options.input) && is_device(options.output))) {
    return "--echo-cancellation is for an --input and an --output that are devices.";
  }
  if (options.input == "none" &&
      (options.noise_suppression == "on" || options.automatic_gain == "on")) {
    return "--noise-suppression and --automatic-gain need an --input.";
  }
  if (const std::string same = file_objection(options); !same.empty()) return same;
  return voice::address_objection(app, std::span(&client.url, 1));
}

}  // namespace

int main(int argc, char** argv) {
  demo::open_standard_streams();
  Options options;
  CLI::App app("Talks in a room of a tickwire-voice-relay.", "tickwire-voice");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.list_devices) return list_devices();
  if (const std::string reason = objection(app, options); !reason.empty()) {
    return demo::fail(reason);
  }
  if (options.voice_activated) {
    options.client.activity.microphone = voice::Microphone::voice_activated;
  }
  if (options.push_to_talk) {
    options.client.activity.microphone = voice::Microphone::push_to_talk;
  }
  if (options.verbose) options.client.host.log.level = tickwire::LogLevel::info;
  std::ios::sync_with_stdio(false);  // see demo::read_lines
  demo::catch_stop_signals();
  return demo::run_guarded([&] { return run(options); });
}
