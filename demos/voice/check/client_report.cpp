// SPDX-License-Identifier: MIT
#include "check/client_report.hpp"

#include <cmath>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

namespace voice {
namespace {

using Json = nlohmann::json;
using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

constexpr std::uintmax_t longest_report_bytes = 1 << 20;

// More than thirty years in microseconds; sums and products of it stay far from overflow.
constexpr double largest_number = 1e15;

Error unusable(const std::filesystem::path& file, const std::string& why) {
  return {ErrorCode::file_unreadable, 0,
          "cannot use the client report " + file.string() + ": " + why};
}

/// Reads the fields of one object and remembers the first that is wrong.
class Fields {
 public:
  Fields(const Json& object, std::string prefix) : object_(object), prefix_(std::move(prefix)) {}

  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

  void required(const char* key) {
    if (find(key) == nullptr) blame(key, "is missing");
  }

  [[nodiscard]] std::string text(const char* key) {
    const Json* value = find(key);
    if (value == nullptr) return {};
    if (const auto* string = value->get_ptr<const std::string*>()) return *string;
    blame(key, "is not a string");
    return {};
  }

  [[nodiscard]] std::uint64_t count(const char* key) {
    const Json* value = find(key);
    if (value == nullptr) return 0;
    if (value->is_number_unsigned()) return value->get<std::uint64_t>();
    blame(key, "is not a whole number from 0 on");
    return 0;
  }

  [[nodiscard]] std::optional<double> number(const char* key) {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    const double number = value->is_number() ? value->get<double>() : -1.0;
    if (number >= 0.0 && number <= largest_number) return number;
    blame(key, "is not a number from 0 to 10^15");
    return std::nullopt;
  }

  [[nodiscard]] const Json* part(const char* key, Json::value_t type) {
    const Json* value = find(key);
    if (value == nullptr || value->type() == type) return value;
    blame(key, type == Json::value_t::array ? "is not a list" : "is not an object");
    return nullptr;
  }

 private:
  [[nodiscard]] const Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  void blame(const char* key, const char* what) {
    if (fault_.empty()) fault_ = "the field \"" + prefix_ + key + "\" " + what;
  }

  const Json& object_;
  std::string prefix_;
  std::string fault_;
};

Result<Json> parse(const std::filesystem::path& file) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(file, failure);
  if (failure) return unusable(file, "it cannot be read (" + failure.message() + ")");
  if (size > longest_report_bytes) return unusable(file, "it is too large for a report");
  std::ifstream stream(file);
  if (!stream) return unusable(file, "it cannot be read");
  Json json = Json::parse(stream, nullptr, false);
  if (json.is_discarded()) return unusable(file, "it is not JSON");
  if (!json.is_object()) return unusable(file, "it is not a JSON object");
  return json;
}

std::string read_packets(const Json& json, PacketCounts& into) {
  Fields fields(json, "packets.");
  into = {fields.count("sent"), fields.count("received"),  fields.count("lost"),
          fields.count("late"), fields.count("discarded"), fields.count("concealed")};
  return fields.fault();
}

std::string read_talkers(const Json& json, std::vector<HeardTalker>& into) {
  for (const Json& entry : json) {
    const std::string prefix = "talkers[" + std::to_string(into.size()) + "].";
    if (!entry.is_object()) return "the field \"" + prefix + "\" is not an object";
    Fields fields(entry, prefix);
    fields.required("name");
    into.push_back({fields.text("name"), fields.count("received"), fields.count("lost"),
                    fields.count("late"), fields.count("discarded"), fields.count("concealed")});
    if (!fields.fault().empty()) return fields.fault();
  }
  return {};
}

std::optional<Milliseconds> duration(std::optional<double> milliseconds) {
  if (!milliseconds) return std::nullopt;
  return Milliseconds(*milliseconds);
}

std::optional<std::chrono::microseconds> start(std::optional<double> microseconds) {
  if (!microseconds) return std::nullopt;
  return std::chrono::microseconds(std::llround(*microseconds));
}

}  // namespace

Result<ClientReport> read_report(const std::filesystem::path& file) {
  const auto json = parse(file);
  if (!json) return json.error();
  Fields fields(*json, "");
  ClientReport report;
  fields.required("name");
  fields.required("packets");
  report.name = fields.text("name");
  report.room = fields.text("room");
  report.spoken = fields.text("spoken");
  report.heard = fields.text("heard");
  report.capture_started = start(fields.number("capture_started_at_us"));
  report.playback_started = start(fields.number("playback_started_at_us"));
  report.start_delay = Milliseconds(fields.number("start_delay_ms").value_or(0.0));
  report.rtt = duration(fields.number("rtt_ms"));
  report.jitter = duration(fields.number("jitter_ms"));
  report.packet_loss_ratio = fields.number("packet_loss_ratio");
  const Json* packets = fields.part("packets", Json::value_t::object);
  const Json* talkers = fields.part("talkers", Json::value_t::array);
  std::string fault = fields.fault();
  if (fault.empty() && packets != nullptr) fault = read_packets(*packets, report.packets);
  if (fault.empty() && talkers != nullptr) fault = read_talkers(*talkers, report.talkers);
  if (fault.empty() && report.name.empty()) fault = "the field \"name\" is empty";
  if (!fault.empty()) return unusable(file, fault);
  return report;
}

}  // namespace voice
