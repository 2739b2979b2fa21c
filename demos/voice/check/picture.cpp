// SPDX-License-Identifier: MIT
#include "check/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <span>
#include <sstream>
#include <utility>

#include "check/gnuplot.hpp"

namespace voice {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

constexpr int width_pixels = 1400;
constexpr int least_height_pixels = 900;
constexpr int row_height_pixels = 150;

// 10 ms: at fifteen seconds about one step of the envelope to a pixel.
constexpr std::size_t step_samples = 480;

// Okabe and Ito's colours, which colour-blind readers tell apart too.
constexpr std::array<const char*, 6> talker_colours{"#0072b2", "#d55e00", "#009e73",
                                                    "#cc79a7", "#b8860b", "#56b4e9"};
constexpr const char* heard_colour = "#404040";
constexpr const char* backdrop_colour = "#e2e2e2";

/// One strip of the picture.
struct Strip {
  std::span<const std::int16_t> samples;
  double start_seconds = 0.0;
  std::string title;
  std::string remark;
  std::string colour;
};

double seconds(std::size_t samples) {
  return static_cast<double>(samples) / sample_rate_hz;
}

std::string remark_on(const Hearing& hearing) {
  char text[128];
  std::snprintf(text, sizeof text, "%s, correlation %.2f (by chance %.2f)",
                hearing.presence.found() ? "heard" : "not heard",
                hearing.presence.alignment.correlation, hearing.presence.chance);
  std::string remark = text;
  if (hearing.mouth_to_ear) {
    std::snprintf(text, sizeof text, ", %.0f ms from mouth to ear", hearing.mouth_to_ear->count());
    remark += text;
  }
  return remark;
}

std::vector<Strip> strips_of(const Findings& findings) {
  std::vector<Strip> strips;
  for (const TalkerFinding& talker : findings.talkers) {
    const std::chrono::duration<double> start = talker.spoken_at;
    strips.push_back({talker.spoken, start.count(), talker.hearing.talker + " said",
                      remark_on(talker.hearing),
                      talker_colours[strips.size() % talker_colours.size()]});
  }
  const std::string listener = findings.listener.empty() ? "the listener" : findings.listener;
  strips.push_back({findings.heard, 0.0, listener + " heard", "the same in grey behind each talker",
                    heard_colour});
  return strips;
}

// gnuplot's indexed data sets: time, lowest, highest; two empty lines between sets.
void write_envelope(const Strip& strip, std::ostream& out) {
  std::span<const std::int16_t> left = strip.samples;
  for (std::size_t step = 0; !left.empty(); ++step) {
    const auto piece = left.first(std::min(step_samples, left.size()));
    left = left.subspan(piece.size());
    const auto [low, high] = std::minmax_element(piece.begin(), piece.end());
    out << strip.start_seconds + seconds(step * step_samples) << ' ' << *low / 32'768.0 << ' '
        << *high / 32'768.0 << '\n';
  }
  out << "\n\n";
}

double loudest(const std::vector<Strip>& strips) {
  double peak = 0.05;
  for (const Strip& strip : strips) {
    for (const std::int16_t sample : strip.samples) {
      peak = std::max(peak, std::abs(sample / 32'768.0));
    }
  }
  return peak;
}

void script_head(const std::vector<Strip>& strips, const std::string& picture, std::ostream& out) {
  double first = 0.0;
  double last = 0.0;
  for (const Strip& strip : strips) {
    first = std::min(first, strip.start_seconds);
    last = std::max(last, strip.start_seconds + seconds(strip.samples.size()));
  }
  const int height =
      std::max(least_height_pixels, row_height_pixels * static_cast<int>(strips.size()));
  const std::string shape = " size " + std::to_string(width_pixels) + "," + std::to_string(height) +
                            " noenhanced background '#ffffff'";
  out << "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
      << "  set terminal pngcairo font 'Sans,12'" << shape << "\n} else {\n"
      << "  set terminal png medium" << shape << "\n}\n"
      << "set output " << gnuplot_quoted(picture) << '\n'
      << "set xrange [" << std::floor(first) << ':' << std::ceil(last) << "]\n"
      << "set yrange [" << -1.1 * loudest(strips) << ':' << 1.1 * loudest(strips) << "]\n"
      << "set style fill solid 1.0 noborder\n"
      << "set border 1 linecolor '#b0b0b0'\n"
      << "set grid xtics back linetype 1 linecolor '#f0f0f0'\n"
      << "set xtics 1 nomirror scale 0.5 textcolor '#404040'\n"
      << "unset ytics\nunset key\n"
      << "set lmargin at screen 0.03\nset rmargin at screen 0.97\n"
      << "set multiplot\n";
}

void script_strip(const std::vector<Strip>& strips, std::size_t index, const std::string& data,
                  std::ostream& out) {
  const Strip& strip = strips[index];
  const std::size_t heard = strips.size() - 1;
  const double share = 0.91 / static_cast<double>(strips.size());
  const double top = 0.99 - share * static_cast<double>(index);
  const auto plot = [&](std::size_t set, const std::string& colour) {
    out << gnuplot_quoted(data) << " index " << set << " using 1:2:3 with filledcurves linecolor '"
        << colour << '\'';
  };
  out << "unset label\n"
      << "set tmargin at screen " << top - 0.18 * share << '\n'
      << "set bmargin at screen " << top - share + 0.02 << '\n'
      << "set label 1 " << gnuplot_quoted(strip.title) << " at graph 0, graph 1 offset 0, 0.6 left"
      << " font ',15' textcolor '" << strip.colour << "'\n"
      << "set label 2 " << gnuplot_quoted(strip.remark)
      << " at graph 1, graph 1 offset 0, 0.6 right textcolor '#404040'\n";
  if (index == heard) {
    out << "set format x '%g'\nset xlabel 'seconds since the recording began' textcolor "
           "'#404040'\n";
  } else {
    out << "set format x ''\n";
  }
  out << "plot ";
  if (index != heard) {
    plot(heard, backdrop_colour);
    out << ", ";
  }
  plot(index, strip.colour);
  out << '\n';
}

Result<void> move_into_place(const std::filesystem::path& made, const std::filesystem::path& file) {
  std::error_code failure;
  std::filesystem::copy_file(made, file, std::filesystem::copy_options::overwrite_existing,
                             failure);
  if (!failure) return {};
  return Error{ErrorCode::file_unreadable, failure.value(),
               "cannot write the picture " + file.string() + ": " + failure.message()};
}

}  // namespace

Result<void> draw_picture(const Findings& findings, const std::filesystem::path& file,
                          const std::string& program) {
  const auto folder = TemporaryFolder::create();
  if (!folder) return folder.error();
  const std::string data = (folder->path() / "envelopes.txt").string();
  const std::string picture = (folder->path() / "picture.png").string();
  const std::vector<Strip> strips = strips_of(findings);

  std::ofstream stream(data);
  for (const Strip& strip : strips)
    write_envelope(strip, stream);
  stream.close();
  if (!stream) return Error{ErrorCode::file_unreadable, 0, "cannot write the file " + data};

  std::ostringstream script;
  script_head(strips, picture, script);
  for (std::size_t i = 0; i < strips.size(); ++i)
    script_strip(strips, i, data, script);
  script << "unset multiplot\nunset output\n";
  if (const auto drawn = run_gnuplot(*folder, script.str(), program); !drawn) return drawn;
  return move_into_place(picture, file);
}

}  // namespace voice
