// SPDX-License-Identifier: MIT
#include "check/hearing.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

namespace voice {
namespace {

using std::chrono::microseconds;
using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

constexpr std::chrono::minutes longest_recording{3};

// Between mouth and ear. The lower end leaves room for clocks that were read a little late.
constexpr std::chrono::milliseconds shortest_delay{-200};
constexpr std::chrono::milliseconds longest_delay{2000};

struct Recording {
  Samples samples;
  Band band;
};

/// Reads every file once.
class Recordings {
 public:
  Result<const Recording*> read(const std::filesystem::path& file) {
    const auto known = known_.find(file);
    if (known != known_.end()) return &known->second;
    auto samples = read_sound(file, longest_recording);
    if (!samples) return std::move(samples).error();
    Band band = to_band(*samples);
    return &known_.emplace(file, Recording{*std::move(samples), std::move(band)}).first->second;
  }

 private:
  std::map<std::filesystem::path, Recording> known_;
};

Error unusable(const std::string& why) {
  return {ErrorCode::invalid_argument, 0, why};
}

/// When the first sample of what the talker said came to his microphone, on the time axis of the
/// listener's recording.
std::optional<microseconds> spoken_at(const ClientReport& talker, const ClientReport& listener) {
  if (!talker.capture_started || !listener.playback_started) return std::nullopt;
  return *talker.capture_started - *listener.playback_started +
         std::chrono::round<microseconds>(talker.start_delay);
}

LagRange range_around(std::optional<microseconds> spoken_at) {
  if (!spoken_at) return {-longest_recording, longest_recording};
  const auto start = std::chrono::round<std::chrono::milliseconds>(*spoken_at);
  return {start + shortest_delay, start + longest_delay};
}

Hearing listen_for(const std::string& talker, const Recording& spoken, const Recording& heard,
                   std::optional<microseconds> spoken_at) {
  Hearing hearing{talker, find_in_mix(spoken.band, heard.band, range_around(spoken_at)), {}};
  if (spoken_at && hearing.presence.found()) {
    hearing.mouth_to_ear = hearing.presence.alignment.lag - *spoken_at;
  }
  return hearing;
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code failure;
  return a == b || (!a.empty() && !b.empty() && std::filesystem::equivalent(a, b, failure));
}

/// Answers a question, step by step; each step's error ends it.
class Inquiry {
 public:
  explicit Inquiry(const Question& question) : question_(question) {}

  Result<Findings> run() {
    if (auto done = read_reports(); !done) return done.error();
    if (auto done = check_talkers(); !done) return done.error();
    if (auto done = check_clients(); !done) return done.error();
    return std::move(findings_);
  }

 private:
  Result<void> read_reports() {
    std::set<std::string> names;
    for (const auto& file : question_.reports) {
      auto report = read_report(file);
      if (!report) return std::move(report).error();
      if (!names.insert(report->name).second) {
        return unusable("two client reports are of \"" + report->name + "\"");
      }
      findings_.clients.push_back({*std::move(report), {}, {}});
    }
    for (const ClientFinding& client : findings_.clients) {
      if (same_file(client.report.heard, question_.heard)) {
        findings_.listener = client.report.name;
      }
    }
    return {};
  }

  Result<void> check_talkers() {
    if (question_.talkers.empty()) return unusable("no talker was named");
    const auto heard = recordings_.read(question_.heard);
    if (!heard) return heard.error();
    findings_.heard = (*heard)->samples;
    std::set<std::string> names;
    for (const auto& [name, file] : question_.talkers) {
      if (!names.insert(name).second) return unusable("the talker \"" + name + "\" is named twice");
      if (name == findings_.listener) {
        return unusable("\"" + name + "\" is named as a talker, but it is his recording");
      }
      const auto spoken = read_spoken(file);
      if (!spoken) return spoken.error();
      const auto at = spoken_at_of(name, findings_.listener);
      Hearing hearing = listen_for(name, **spoken, **heard, at);
      const microseconds on_axis = at.value_or(hearing.presence.alignment.lag);
      findings_.talkers.push_back({std::move(hearing), (*spoken)->samples, on_axis});
    }
    return {};
  }

  Result<void> check_clients() {
    for (ClientFinding& client : findings_.clients) {
      if (client.report.heard.empty()) continue;
      const auto heard = recordings_.read(client.report.heard);
      if (!heard) return heard.error();
      for (const ClientFinding& other : findings_.clients) {
        if (other.report.spoken.empty()) continue;
        const auto spoken = read_spoken(other.report.spoken);
        if (!spoken) return spoken.error();
        Hearing hearing = listen_for(other.report.name, **spoken, **heard,
                                     spoken_at(other.report, client.report));
        if (&other == &client) {
          client.himself = hearing.presence;
        } else {
          client.hearings.push_back(std::move(hearing));
        }
      }
    }
    return {};
  }

  Result<const Recording*> read_spoken(const std::filesystem::path& file) {
    auto recording = recordings_.read(file);
    if (!recording) return recording;
    const Samples& samples = (*recording)->samples;
    if (std::all_of(samples.begin(), samples.end(), [](auto sample) { return sample == 0; })) {
      return unusable("nothing is said in " + file.string() + ": it is silent throughout");
    }
    return recording;
  }

  [[nodiscard]] const ClientReport* report_of(const std::string& name) const {
    for (const ClientFinding& client : findings_.clients) {
      if (client.report.name == name) return &client.report;
    }
    return nullptr;
  }

  [[nodiscard]] std::optional<microseconds> spoken_at_of(const std::string& talker,
                                                         const std::string& listener) const {
    const ClientReport* const from = report_of(talker);
    const ClientReport* const to = report_of(listener);
    if (from == nullptr || to == nullptr) return std::nullopt;
    return spoken_at(*from, *to);
  }

  const Question& question_;
  Recordings recordings_;
  Findings findings_;
};

std::string figures(const Presence& presence) {
  char text[96];
  std::snprintf(text, sizeof text, "correlation %.2f, where chance alone gives %.2f",
                presence.alignment.correlation, presence.chance);
  return text;
}

}  // namespace

std::vector<std::string> Findings::failures() const {
  std::vector<std::string> sentences;
  for (const TalkerFinding& talker : talkers) {
    const Presence& presence = talker.hearing.presence;
    if (presence.found()) continue;
    sentences.push_back(talker.hearing.talker + " was not heard: " + figures(presence) + ".");
  }
  for (const ClientFinding& client : clients) {
    const std::string& name = client.report.name;
    for (const Hearing& hearing : client.hearings) {
      if (name == listener || hearing.presence.found())
        continue;  // the listener's were asked above
      sentences.push_back(name + " did not hear " + hearing.talker + ": " +
                          figures(hearing.presence) + ".");
    }
    if (!client.himself || !client.himself->found()) continue;
    sentences.push_back(name + " heard himself: " + figures(*client.himself) + ".");
  }
  return sentences;
}

Result<Findings> find_out(const Question& question) {
  return Inquiry(question).run();
}

}  // namespace voice
