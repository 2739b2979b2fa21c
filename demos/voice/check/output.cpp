// SPDX-License-Identifier: MIT
#include "check/output.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "demos/shared/printable.hpp"

namespace voice {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::array<std::string, 10>;

const Row heads{"client",    "sent",      "received", "lost",      "late",
                "discarded", "concealed", "rtt ms",   "jitter ms", "mouth to ear ms"};

std::string fixed(double value, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string milliseconds(const std::optional<Milliseconds>& duration) {
  return duration ? fixed(duration->count(), 1) : "-";
}

// Columns of UTF-8 text: bytes that do not continue a character.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

Row row_of(const ClientFinding& client) {
  const PacketCounts& packets = client.report.packets;
  std::string delays;
  for (const Hearing& hearing : client.hearings) {
    if (!hearing.mouth_to_ear) continue;
    if (!delays.empty()) delays += ", ";
    delays += demo::printable(hearing.talker) + " " + fixed(hearing.mouth_to_ear->count(), 0);
  }
  return {demo::printable(client.report.name), std::to_string(packets.sent),
          std::to_string(packets.received),    std::to_string(packets.lost),
          std::to_string(packets.late),        std::to_string(packets.discarded),
          std::to_string(packets.concealed),   milliseconds(client.report.rtt),
          milliseconds(client.report.jitter),  delays.empty() ? "-" : delays};
}

// Names and the last column stand left, numbers right.
void print_table(const std::vector<Row>& rows, std::ostream& out) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      const bool last = i + 1 == row.size();
      if (i > 0) out << "  ";
      if (i == 0) {
        out << row[i] << padding;
      } else {
        out << (last ? "" : padding) << row[i];
      }
    }
    out << '\n';
  }
}

void print_hearing(const Findings& findings, std::ostream& out) {
  const std::string listener =
      findings.listener.empty() ? "the listener" : demo::printable(findings.listener);
  for (const TalkerFinding& talker : findings.talkers) {
    const Hearing& hearing = talker.hearing;
    out << listener << (hearing.presence.found() ? " heard " : " did not hear ")
        << demo::printable(hearing.talker) << ": correlation "
        << fixed(hearing.presence.alignment.correlation, 2) << ", by chance "
        << fixed(hearing.presence.chance, 2);
    if (hearing.mouth_to_ear) {
      out << ", " << fixed(hearing.mouth_to_ear->count(), 0) << " ms from mouth to ear";
    }
    out << '\n';
  }
}

void print_echo(const Findings& findings, std::ostream& out) {
  std::vector<std::string> checked;
  for (const ClientFinding& client : findings.clients) {
    if (!client.himself) continue;
    checked.push_back(demo::printable(client.report.name));
    if (client.himself->found()) out << demo::printable(client.report.name) << " heard himself\n";
  }
  const auto echo = [](const ClientFinding& client) {
    return client.himself && client.himself->found();
  };
  if (checked.empty()) {
    out << "whether somebody heard himself is not known: nobody both spoke and recorded\n";
  } else if (std::none_of(findings.clients.begin(), findings.clients.end(), echo)) {
    out << "nobody heard himself (" << list(checked) << " recorded)\n";
  }
}

Json number(const std::optional<Milliseconds>& duration) {
  return duration ? Json(duration->count()) : Json(nullptr);
}

Json to_json(const Hearing& hearing) {
  return {{"name", hearing.talker},
          {"heard", hearing.presence.found()},
          {"correlation", hearing.presence.alignment.correlation},
          {"chance_correlation", hearing.presence.chance},
          {"mouth_to_ear_ms", number(hearing.mouth_to_ear)}};
}

Json to_json(const HeardTalker& talker) {
  return {{"name", talker.name}, {"received", talker.received},   {"lost", talker.lost},
          {"late", talker.late}, {"discarded", talker.discarded}, {"concealed", talker.concealed}};
}

Json to_json(const ClientFinding& client) {
  const ClientReport& report = client.report;
  Json hearings = Json::array();
  for (const Hearing& hearing : client.hearings)
    hearings.push_back(to_json(hearing));
  Json talkers = Json::array();
  for (const HeardTalker& talker : report.talkers)
    talkers.push_back(to_json(talker));
  return {{"name", report.name},
          {"room", report.room},
          {"packets",
           {{"sent", report.packets.sent},
            {"received", report.packets.received},
            {"lost", report.packets.lost},
            {"late", report.packets.late},
            {"discarded", report.packets.discarded},
            {"concealed", report.packets.concealed}}},
          {"rtt_ms", number(report.rtt)},
          {"jitter_ms", number(report.jitter)},
          {"packet_loss_ratio",
           report.packet_loss_ratio ? Json(*report.packet_loss_ratio) : Json(nullptr)},
          {"talkers", std::move(talkers)},
          {"heard", std::move(hearings)},
          {"heard_himself", client.himself ? Json(client.himself->found()) : Json(nullptr)}};
}

}  // namespace

void print_findings(const Findings& findings, std::ostream& out) {
  if (!findings.clients.empty()) {
    std::vector<Row> rows{heads};
    for (const ClientFinding& client : findings.clients)
      rows.push_back(row_of(client));
    print_table(rows, out);
    out << '\n';
  }
  print_hearing(findings, out);
  print_echo(findings, out);
}

tickwire::Result<void> write_json(const Findings& findings, const std::filesystem::path& file) {
  Json talkers = Json::array();
  for (const TalkerFinding& talker : findings.talkers)
    talkers.push_back(to_json(talker.hearing));
  Json clients = Json::array();
  for (const ClientFinding& client : findings.clients)
    clients.push_back(to_json(client));
  const std::vector<std::string> failures = findings.failures();
  const Json json{{"passed", failures.empty()},
                  {"failures", failures},
                  {"listener", findings.listener},
                  {"talkers", std::move(talkers)},
                  {"clients", std::move(clients)}};
  std::ofstream stream(file);
  // Names may hold bytes that are no UTF-8, which JSON cannot say.
  stream << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  stream.close();
  if (stream) return {};
  return tickwire::Error{tickwire::ErrorCode::file_unreadable, 0,
                         "cannot write the figures to " + file.string()};
}

}  // namespace voice
