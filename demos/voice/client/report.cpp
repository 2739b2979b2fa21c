// SPDX-License-Identifier: MIT
#include "client/report.hpp"

#include <nlohmann/json.hpp>

namespace voice {
namespace {

using nlohmann::json;

json microseconds(const std::optional<tickwire::TimePoint>& moment) {
  if (!moment) return nullptr;
  return std::chrono::duration_cast<std::chrono::microseconds>(moment->time_since_epoch()).count();
}

double milliseconds(tickwire::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::string report_json(const Client& client, const ClientConfig& config,
                        const RecordedFiles& files) {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t late = 0;
  std::uint64_t discarded = 0;
  std::uint64_t concealed = 0;
  json talkers = json::array();
  for (const HeardTalkerCounters& heard : client.heard()) {
    const JitterCounters& packets = heard.counters.packets;
    received += packets.received;
    lost += packets.lost;
    late += packets.late;
    discarded += packets.discarded;
    concealed += heard.counters.concealed;
    talkers.push_back({{"name", heard.name},
                       {"volume_percent", client.volume_percent(heard.name)},
                       {"received", packets.received},
                       {"lost", packets.lost},
                       {"late", packets.late},
                       {"discarded", packets.discarded},
                       {"concealed", heard.counters.concealed}});
  }
  const tickwire::ConnectionStats stats = client.stats();
  json report = {
      {"name", config.name},
      {"room", config.room},
      {"spoken", files.spoken},
      {"heard", files.heard},
      {"start_delay_ms", files.start_delay.count()},
      {"cleaning",
       {{"echo_cancellation", files.cleaning.echo_cancellation == Cleaning::on},
        {"noise_suppression", files.cleaning.noise_suppression == Cleaning::on},
        {"automatic_gain", files.cleaning.automatic_gain == Cleaning::on}}},
      {"muted", client.is_muted()},
      {"deafened", client.is_deafened()},
      {"capture_started_at_us", microseconds(client.capture_started())},
      {"playback_started_at_us", microseconds(client.playback_started())},
      {"packets",
       {{"sent", client.speech_sent()},
        {"received", received},
        {"lost", lost},
        {"late", late},
        {"discarded", discarded},
        {"concealed", concealed}}},
      {"rtt_ms", milliseconds(stats.rtt)},
      {"jitter_ms", milliseconds(stats.jitter)},
      {"packet_loss_ratio", stats.packet_loss_ratio ? json(*stats.packet_loss_ratio) : json()},
      {"talkers", talkers},
  };
  // A name that is no UTF-8 must not cost the report.
  return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace voice
