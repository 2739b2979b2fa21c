// SPDX-License-Identifier: MIT
#include "test/soak/report.hpp"

#include <cstdio>
#include <ostream>
#include <string>

namespace tickwire::soak {
namespace {

double to_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

unsigned long long count(std::uint64_t number) {
  return number;
}

std::string percent(std::optional<double> ratio) {
  if (!ratio) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", *ratio * 100);
  return text;
}

// Names and messages hold no control characters.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void write_end(std::ostream& to, const char* name, const EndFigures& end) {
  to << ", " << quoted(name) << ": {\"reliable_messages\": " << end.reliable_messages
     << ", \"reliable_bytes\": " << end.reliable_bytes
     << ", \"unreliable_said\": " << end.unreliable_said
     << ", \"unreliable_left\": " << end.unreliable_left
     << ", \"unreliable_arrived\": " << end.unreliable_arrived << ", \"rtt_ms\": " << to_ms(end.rtt)
     << ", \"loss_ratio\": ";
  if (end.loss_ratio) {
    to << *end.loss_ratio;
  } else {
    to << "null";
  }
  to << '}';
}

}  // namespace

void print(std::ostream& to, const CellResult& result) {
  const EndFigures& client = result.ends[0];
  const EndFigures& server = result.ends[1];
  const double mb = static_cast<double>(client.reliable_bytes + server.reliable_bytes) / 1'000'000;
  char line[400];
  std::snprintf(
      line, sizeof line,
      "%-4s %-23s %5llu reliable, %6.1f MB, the last after %5.2f s; unreliable unsent %4llu %4llu, "
      "lost %4.1f%% %4.1f%%, reported %6s %6s; rtt %6.1f %6.1f, path %6.1f ms; wall %4.2f s\n",
      result.failures.empty() ? "ok" : "FAIL", result.name.c_str(),
      count(client.reliable_messages + server.reliable_messages), mb,
      to_seconds(result.settled_after), count(client.unreliable_said - client.unreliable_left),
      count(server.unreliable_said - server.unreliable_left), lost_ratio(client) * 100,
      lost_ratio(server) * 100, percent(client.loss_ratio).c_str(),
      percent(server.loss_ratio).c_str(), to_ms(client.rtt), to_ms(server.rtt),
      to_ms(result.path_rtt), to_seconds(result.wall));
  to << line;
  for (const std::string& failure : result.failures)
    to << "     " << failure << '\n';
  to.flush();
}

void write_json(std::ostream& to, std::span<const CellResult> results, const RunOptions& options) {
  to << "{\"seconds\": " << to_seconds(options.talk) << ", \"seed\": " << options.seed
     << ", \"cells\": [";
  const char* separator = "\n";
  for (const CellResult& each : results) {
    to << separator << "  {\"name\": " << quoted(each.name)
       << ", \"passed\": " << (each.failures.empty() ? "true" : "false")
       << ", \"calls\": " << each.calls << ", \"path_rtt_ms\": " << to_ms(each.path_rtt)
       << ", \"settled_after_s\": " << to_seconds(each.settled_after)
       << ", \"wall_s\": " << to_seconds(each.wall);
    write_end(to, "client", each.ends[0]);
    write_end(to, "server", each.ends[1]);
    to << ", \"failures\": [";
    const char* comma = "";
    for (const std::string& failure : each.failures) {
      to << comma << quoted(failure);
      comma = ", ";
    }
    to << "]}";
    separator = ",\n";
  }
  to << "\n]}\n";
}

}  // namespace tickwire::soak
