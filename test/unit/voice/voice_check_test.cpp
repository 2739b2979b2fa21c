// SPDX-License-Identifier: MIT
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "audio/mixer.hpp"
#include "check/client_report.hpp"
#include "check/gnuplot.hpp"
#include "check/hearing.hpp"
#include "check/picture.hpp"
#include "check/run_check.hpp"
#include "sound_folder.hpp"
#include "synthetic_speech.hpp"

namespace voice {
namespace {

using voice_test::SoundFolder;
using voice_test::synthetic_speech;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Outcome {
  int status;
  std::string out;
  std::string errors;
};

Outcome check(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tickwire-voice-check");
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream errors;
  const int status = run_check(static_cast<int>(pointers.size()), pointers.data(), out, errors);
  return {status, out.str(), errors.str()};
}

/// Adds talkers up, each `delay_ms` after he spoke.
Samples mixed(const std::vector<Samples>& talkers, std::size_t delay_ms) {
  Samples mix;
  for (const Samples& talker : talkers) {
    const std::size_t delay = delay_ms * 48;
    mix.resize(std::max(mix.size(), talker.size() + delay), 0);
    for (std::size_t i = 0; i < talker.size(); ++i) {
      mix[i + delay] = static_cast<std::int16_t>(mix[i + delay] + talker[i] / 3);
    }
  }
  return mix;
}

std::string report(const std::string& name, const std::string& spoken, const std::string& heard,
                   const std::string& times) {
  return "{\"name\": \"" + name + "\", \"room\": \"lobby\", \"spoken\": \"" + spoken +
         "\", \"heard\": \"" + heard + "\", " + times +
         "\"packets\": {\"sent\": 250, \"received\": 498, \"lost\": 2, \"late\": 1, "
         "\"concealed\": 3}, \"rtt_ms\": 1.25, \"jitter_ms\": 0.5, \"packet_loss_ratio\": null, "
         "\"talkers\": [{\"name\": \"x\", \"received\": 9, \"lost\": 1, \"late\": 0, "
         "\"concealed\": 1}]}";
}

/// Ann and bob speak, each hears the other 80 ms later; dora hears both after 120 ms. Her recording
/// starts a second before ann speaks, bob's microphone is on 500 ms before his first word.
struct Meeting {
  SoundFolder folder;
  Samples ann = synthetic_speech(1, 190.0, 5.0);
  Samples bob = synthetic_speech(2, 110.0, 5.0);
  std::string ann_file = folder.write("ann.wav", ann).string();
  std::string bob_file = folder.write("bob.wav", bob).string();
  std::string dora_heard;
  std::vector<std::string> arguments;

  Meeting() {
    dora_heard = folder.write("dora heard.wav", mixed({ann, bob}, 1'120)).string();
    const std::string ann_heard = folder.write("ann heard.wav", mixed({bob}, 80)).string();
    const std::string bob_heard = folder.write("bob heard.wav", mixed({ann}, 80)).string();
    arguments = {"--talker",        "ann=" + ann_file, "--talker",
                 "bob=" + bob_file, "--heard",         dora_heard};
    add_report(report("ann", ann_file, ann_heard,
                      "\"capture_started_at_us\": 7000000, \"playback_started_at_us\": 7000000, "));
    add_report(report("bob", bob_file, bob_heard,
                      "\"capture_started_at_us\": 6500000, \"start_delay_ms\": 500, "
                      "\"playback_started_at_us\": 7000000, "));
    add_report(report("dora", "", dora_heard, "\"playback_started_at_us\": 6000000, "));
  }

  void add_report(const std::string& json) {
    const std::string name = "report " + std::to_string(arguments.size()) + ".json";
    arguments.insert(arguments.end(), {"--report", folder.write(name, json).string()});
  }
};

TEST_CASE("the checker passes a meeting in which everybody was heard") {
  const Meeting meeting;
  auto arguments = meeting.arguments;
  const std::string json = (meeting.folder / "figures.json").string();
  arguments.insert(arguments.end(), {"--json", json});
  const Outcome outcome = check(arguments);
  CHECK(outcome.status == 0);
  CHECK(outcome.errors.empty());
  CHECK(contains(outcome.out, "mouth to ear ms"));
  CHECK(contains(outcome.out, "ann 120, bob 120"));
  CHECK(contains(outcome.out, "dora heard bob"));
  CHECK(contains(outcome.out, "nobody heard himself (ann and bob recorded)"));
  std::stringstream written;
  written << std::ifstream(json).rdbuf();
  CHECK(contains(written.str(), "\"passed\": true"));
  CHECK(contains(written.str(), "\"rtt_ms\": 1.25"));
  CHECK(contains(written.str(), "\"sent\": 250"));
  CHECK(contains(written.str(), "\"mouth_to_ear_ms\": 120"));
}

TEST_CASE("the checker works without any report") {
  const Meeting meeting;
  const Outcome outcome = check({meeting.arguments.begin(), meeting.arguments.begin() + 6});
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.out, "the listener heard ann"));
}

TEST_CASE("the checker fails with the name of a talker who was not heard") {
  Meeting meeting;
  const auto file = meeting.folder.write("cleo.wav", synthetic_speech(3, 150.0, 5.0));
  meeting.arguments.insert(meeting.arguments.end(), {"--talker", "cleo=" + file.string()});
  const Outcome outcome = check(meeting.arguments);
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.errors, "cleo was not heard"));
  CHECK_FALSE(contains(outcome.errors, "bob"));
}

TEST_CASE("the checker fails with the name of a client who heard himself") {
  Meeting meeting;
  const Samples echo = synthetic_speech(4, 130.0, 5.0);
  const auto spoken = meeting.folder.write("eve.wav", echo);
  const auto heard = meeting.folder.write("eve heard.wav", mixed({meeting.ann, echo}, 200));
  meeting.add_report(
      report("eve", spoken.string(), heard.string(),
             "\"capture_started_at_us\": 7000000, \"playback_started_at_us\": 7000000, "));
  const Outcome outcome = check(meeting.arguments);
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.errors, "eve heard himself"));
}

TEST_CASE("the checker fails with the name of a client who did not hear another one") {
  Meeting meeting;
  const auto heard = meeting.folder.write("fred heard.wav", mixed({meeting.ann}, 200));
  meeting.add_report(report("fred", "", heard.string(), "\"playback_started_at_us\": 7000000, "));
  const Outcome outcome = check(meeting.arguments);
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.errors, "fred did not hear bob"));
  CHECK_FALSE(contains(outcome.errors, "fred did not hear ann"));
}

TEST_CASE("input that cannot be used gives a sentence and status 2") {
  const Meeting meeting;
  const auto with = [&](std::vector<std::string> more) {
    auto arguments = meeting.arguments;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = check(arguments);
    CHECK(outcome.status == 2);
    return outcome.errors;
  };
  const auto file = [&](const std::string& name, const std::string& bytes) {
    return meeting.folder.write(name, bytes).string();
  };
  CHECK(contains(with({"--talker", "cleo"}), "NAME=FILE"));
  CHECK(contains(with({"--talker", "=x.wav"}), "NAME=FILE"));
  CHECK(contains(with({"--talker", "cleo=nowhere.wav"}), "nowhere.wav: there is no such file"));
  CHECK(contains(with({"--talker", "ann=" + meeting.bob_file}), "\"ann\" is named twice"));
  CHECK(contains(with({"--talker", "dora=" + meeting.bob_file}), "it is his recording"));
  CHECK(contains(with({"--report", "nowhere.json"}), "nowhere.json"));
  CHECK(contains(with({"--report", file("a.json", "{\"name\"")}), "it is not JSON"));
  CHECK(contains(with({"--report", file("b.json", "[]")}), "not a JSON object"));
  CHECK(contains(with({"--report", file("c.json", "{\"packets\": {}}")}), "\"name\" is missing"));
  CHECK(
      contains(with({"--report", file("d.json", "{\"name\": \"x\", \"packets\": {\"sent\": -1}}")}),
               "\"packets.sent\" is not a whole number"));
  CHECK(contains(with({"--report", file("e.json", report("ann", "", "", ""))}), "two client"));
  CHECK(
      contains(with({"--report", file("f.json", report("f", "gone.wav", meeting.dora_heard, ""))}),
               "gone.wav"));
  CHECK(contains(with({"--no-such-option"}), "no-such-option"));
  CHECK(contains(with({"--json", (meeting.folder / "no" / "folder.json").string()}),
                 "cannot write the figures"));
  const auto silent = meeting.folder.write("silent.wav", Samples(48'000, 0)).string();
  CHECK(contains(with({"--talker", "mute=" + silent}), "silent throughout"));
  CHECK(check({}).status == 2);
  CHECK(check({"--help"}).status == 0);
}

TEST_CASE("a report of strange values gives a sentence, never more") {
  const SoundFolder folder;
  const std::string good = report("ann", "a.wav", "b.wav", "\"capture_started_at_us\": 5, ");
  REQUIRE(read_report(folder.write("good.json", good)));
  for (const std::string value : {"null", "-1", "1e300", "\"x\"", "[1]", "{}", "true", "1.5"}) {
    for (const std::string key : {"name", "spoken", "packets", "lost", "rtt_ms", "talkers",
                                  "capture_started_at_us", "received"}) {
      CAPTURE(value);
      CAPTURE(key);
      std::string bad = good;
      const std::size_t at = bad.find("\"" + key + "\":") + key.size() + 3;
      bad = bad.substr(0, at) + value + ", \"rest\": " + bad.substr(at);
      const auto read = read_report(folder.write("bad.json", bad));
      if (!read) CHECK(contains(read.error().detail, "bad.json"));
    }
  }
}

TEST_CASE("a picture is drawn, whatever the names and paths are made of") {
  Meeting meeting;
  Question question{
      {{"o'neil \\ \"x\" `id` $(id) {/:Bold}\n", meeting.ann_file}}, meeting.dora_heard, {}};
  const auto findings = find_out(question);
  REQUIRE(findings);
  const auto picture = meeting.folder / "a 'picture'.png";
  const auto drawn = draw_picture(*findings, picture);
  if (!drawn && contains(drawn.error().detail, "not installed")) return;
  CAPTURE(drawn.error().detail);
  REQUIRE(drawn);
  std::string head(8, ' ');
  std::ifstream(picture, std::ios::binary).read(head.data(), 8);
  CHECK(head.substr(1, 3) == "PNG");
}

TEST_CASE("without gnuplot, or with one that fails, there is a sentence instead of a picture") {
  const Meeting meeting;
  const auto findings = find_out({{{"ann", meeting.ann_file}}, meeting.dora_heard, {}});
  REQUIRE(findings);
  const auto missing = draw_picture(*findings, meeting.folder / "p.png", "no-such-gnuplot");
  REQUIRE_FALSE(missing);
  CHECK(contains(missing.error().detail, "no-such-gnuplot is not installed"));
  const auto failing = draw_picture(*findings, meeting.folder / "p.png", "false");
  REQUIRE_FALSE(failing);
  CHECK(contains(failing.error().detail, "false failed"));
  CHECK_FALSE(std::filesystem::exists(meeting.folder / "p.png"));
}

TEST_CASE("a picture that cannot be drawn is said and changes no verdict") {
  const Meeting meeting;
  auto arguments = meeting.arguments;
  arguments.insert(arguments.end(), {"--picture", (meeting.folder / "no" / "folder.png").string()});
  const Outcome outcome = check(arguments);
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.errors, "there is no picture"));
}

TEST_CASE("strings are quoted for gnuplot") {
  CHECK(gnuplot_quoted("it's `x`\n") == "'it''s `x` '");
}

}  // namespace
}  // namespace voice
