// SPDX-License-Identifier: MIT
#include "demos/arena/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace arena {

std::string report_json(Client& client, const std::string& name) {
  using nlohmann::json;
  const ClientFigures figures = client.figures();
  const double seconds = static_cast<double>(figures.ticks) / ticks_per_second;
  const auto each_second = [&](auto amount) {
    return seconds > 0 ? static_cast<double>(amount) / seconds : 0.0;
  };
  const View& view = client.view();
  const View::Disk* const own = view.find(view.own);
  const auto corrected = static_cast<double>(std::max<std::uint64_t>(figures.corrections.count, 1));
  const json report = {
      {"name", name},
      {"seconds", seconds},
      {"score", own != nullptr ? own->score : 0},
      {"players", view.disks.size()},
      {"returns", figures.returns},
      {"rtt_ms", std::chrono::duration<double, std::milli>(figures.connection.rtt).count()},
      {"snapshots", {{"received", figures.snapshots.received}, {"lost", figures.snapshots.lost}}},
      {"corrections",
       {{"count", figures.corrections.count},
        {"per_second", each_second(figures.corrections.count)},
        {"mean_px", figures.corrections.sum / corrected},
        {"largest_px", figures.corrections.largest}}},
      {"interpolation_starved", figures.snapshots.starved},
      {"bytes_per_second",
       {{"sent", each_second(figures.connection.bytes_sent)},
        {"received", each_second(figures.connection.bytes_received)}}},
  };
  // A name that is no UTF-8 must not cost the report.
  return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace arena
