// SPDX-License-Identifier: MIT
#include "lib/host/access_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <istream>
#include <system_error>
#include <utility>

namespace tickwire::detail {
namespace {

using Seconds = std::chrono::seconds;

// Of a file that has nothing to do with an access list, no more is read.
constexpr std::size_t kMostBytes = std::size_t{64} * 1024 * 1024;

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kTimeShape = "0000-00-00T00:00:00Z";

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(word.size());
  return word;
}

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  std::from_chars(text.data() + at, text.data() + at + digits, value);
  return value;
}

// Within what a `WallTime` can hold.
// From here on it is for ever.
constexpr int kLastYear = 2200;
constexpr WallTime kFarOff = std::chrono::sys_days{std::chrono::year{kLastYear} / 1 / 1};

std::optional<WallTime> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != kTimeShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kTimeShape[i] == '0' ? !is_digit : text[i] != kTimeShape[i]) return std::nullopt;
  }
  const year_month_day day{year{number_at(text, 0, 4)},
                           month{static_cast<unsigned>(number_at(text, 5, 2))},
                           std::chrono::day{static_cast<unsigned>(number_at(text, 8, 2))}};
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2);
  const int second = number_at(text, 17, 2);
  const bool is_in_range = day.ok() && hour < 24 && minute < 60 && second < 60 &&
                           day.year() >= year{1970} && day.year() <= year{kLastYear};
  if (!is_in_range) return std::nullopt;
  return sys_days{day} + hours{hour} + minutes{minute} + seconds{second};
}

std::string padded(std::int64_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

// Rounded up: nobody comes in before the time.
std::string time_text(WallTime time) {
  using namespace std::chrono;
  const auto whole = ceil<Seconds>(time);
  const auto days_in = floor<days>(whole);
  const year_month_day day{days_in};
  const hh_mm_ss clock{whole - days_in};
  return padded(int{day.year()}, 4) + "-" + padded(unsigned{day.month()}, 2) + "-" +
         padded(unsigned{day.day()}, 2) + "T" + padded(clock.hours().count(), 2) + ":" +
         padded(clock.minutes().count(), 2) + ":" + padded(clock.seconds().count(), 2) + "Z";
}

Result<AccessFile::Line> parse_line(std::string_view text) {
  AccessFile::Line line{.text = std::string(text)};
  std::string_view rest = text.substr(0, text.find('#'));
  const std::string_view network_word = take_word(rest);
  if (network_word.empty()) return line;
  auto network = IpNetwork::parse(network_word);
  if (!network) return std::move(network).error();
  line.network = *network;
  const std::string_view until_word = take_word(rest);
  if (until_word.empty()) return line;
  const auto until = parse_time(take_word(rest));
  if (until_word != "until" || !until || !take_word(rest).empty()) {
    return Error{ErrorCode::invalid_argument, 0,
                 "behind the address may stand 'until' and a time in UTC, as in "
                 "until 2027-01-31T18:00:00Z, and no more."};
  }
  line.until = *until;
  return line;
}

Error unreadable(const std::string& path, const std::error_code& why) {
  return {ErrorCode::file_unreadable, why.value(),
          "The access list " + path + " cannot be read: " + why.message() + "."};
}

Error unusable(const std::string& path, const std::string& why) {
  return {ErrorCode::file_unreadable, 0, "The access list " + path + " " + why + "."};
}

// Piece by piece: what a file says of its size need not be true when it has been read.
std::string read_some(std::istream& stream, std::size_t most) {
  std::string text;
  std::array<char, 16384> piece{};
  while (text.size() < most && stream) {
    const std::size_t wanted = std::min(piece.size(), most - text.size());
    stream.read(piece.data(), static_cast<std::streamsize>(wanted));
    text.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
  }
  return text;
}

}  // namespace

Result<AccessFile> AccessFile::parse(std::string_view text, const std::string& name,
                                     std::size_t max_entries) {
  AccessFile file;
  std::size_t entries = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    auto line = parse_line(text.substr(0, end));
    const std::string place = name + ", line " + std::to_string(number) + ": ";
    if (!line) {
      return Error{ErrorCode::invalid_argument, 0, place + line.error().detail};
    }
    if (line->network && ++entries > max_entries) {
      return Error{ErrorCode::out_of_resources, 0,
                   place + "more than the " + std::to_string(max_entries) +
                       " entries that AccessListOptions::max_entries allows."};
    }
    file.lines_.push_back(*std::move(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return file;
}

Result<AccessFile> AccessFile::read(const std::string& path, std::size_t max_entries) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return AccessFile();
  if (error) return unreadable(path, error);
  if (std::filesystem::is_directory(status)) {
    return unreadable(path, std::make_error_code(std::errc::is_a_directory));
  }
  if (!std::filesystem::is_regular_file(status)) return unusable(path, "is no plain file");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  const std::string text = read_some(stream, kMostBytes + 1);
  if (!stream.is_open() || stream.bad()) return unreadable(path, {errno, std::generic_category()});
  if (text.size() > kMostBytes) return unusable(path, "is larger than 64 MiB");
  return parse(text, path, max_entries);
}

void AccessFile::apply(const AccessChanges& changes, WallTime now) {
  std::erase_if(lines_, [&](const Line& line) {
    return line.network && (line.until <= now || changes.contains(*line.network));
  });
  for (const auto& [network, until] : changes) {
    if (!until || *until <= now) continue;
    const std::string end = *until >= kFarOff ? "" : " until " + time_text(*until);
    lines_.push_back({network.to_string() + end, network, *until});
  }
}

std::string AccessFile::text() const {
  std::string all;
  for (const Line& line : lines_)
    all.append(line.text).append("\n");
  return all;
}

}  // namespace tickwire::detail
