// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tickwire/host.hpp>

/// A message of 3.5 GiB from one process to another, in memory for little more than itself at each
/// end.
using namespace tickwire;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMostMessageBytes = std::size_t{3584} << 20;
constexpr std::size_t kBesideBytes = std::size_t{256} << 20;
constexpr auto kPatience = 240s;

// What Linux says that is left; nothing where it does not say so.
std::optional<std::size_t> memory_left_bytes() {
  std::optional<std::size_t> left;
  std::ifstream system("/proc/meminfo");
  for (std::string name, rest; system >> name && std::getline(system, rest);)
    if (name == "MemAvailable:") left = std::stoull(rest) * 1024;
  std::size_t limit = 0;
  if (std::ifstream("/sys/fs/cgroup/memory.max") >> limit)
    left = std::min(left.value_or(limit), limit);
  return left;
}

// 3.5 GiB, or as much as a small machine has for two processes.
std::size_t fitting_message_bytes() {
  const std::size_t left = memory_left_bytes().value_or(3 * kMostMessageBytes);
  return std::min(kMostMessageBytes, left / 3 / 8 * 8);
}

HostConfig large_config(std::size_t message_bytes) {
  HostConfig config;
  config.application = "large/1";
  // Virtual machines may take 15 us over a page that they have to ask their host for: 14 s over a
  // block of this size, in one call where the allocator fills what it hands out.
  config.timeouts.idle = kPatience;
  config.limits.max_message_bytes = message_bytes;
  config.limits.max_send_queue_bytes = message_bytes + 1024;
  config.limits.max_reassembly_bytes = message_bytes + 1024;
  config.limits.max_host_reassembly_bytes = message_bytes + 1024;
  return config;
}

// What stands at a place of the message.
std::uint64_t word_at(std::size_t index) noexcept {
  return index * 0x9e37'79b9'7f4a'7c15u;
}

bool is_whole(std::span<const std::byte> bytes, std::size_t message_bytes) {
  if (bytes.size() != message_bytes) return false;
  for (std::size_t i = 0; i < bytes.size() / 8; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i * 8, 8);
    if (word != word_at(i)) return false;
  }
  return true;
}

// The most that this process ever had in memory.
std::size_t most_resident_bytes() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

/// Polls until an event of the type `wanted` or the connection's end, and returns that event;
/// nothing when patience ran out.
std::optional<Event> pump(Host& host, EventType wanted) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience;
       std::chrono::steady_clock::now() < end;) {
    auto event = host.wait_for(100ms);
    if (event && (event->type == wanted || event->type == EventType::disconnected)) return event;
  }
  return std::nullopt;
}

/// The receiving process. Its exit status: 0, or the step that failed.
int receive(int url_pipe, std::size_t message_bytes) {
  Host host(large_config(message_bytes));
  const auto bound = host.listen("tcp://127.0.0.1:0");
  if (!bound) return 1;
  const std::string url = bound->to_string();
  if (::write(url_pipe, url.data(), url.size()) != static_cast<ssize_t>(url.size())) return 2;
  ::close(url_pipe);
  const std::optional<Event> received = pump(host, EventType::data_received);
  if (!received || received->type != EventType::data_received) return 3;
  if (!pump(host, EventType::disconnected)) return 4;
  if (!is_whole(received->bytes(), message_bytes)) return 5;
  return most_resident_bytes() <= message_bytes + kBesideBytes ? 0 : 6;
}

std::vector<std::byte> large_message(std::size_t message_bytes) {
  std::vector<std::byte> bytes(message_bytes);
  for (std::size_t i = 0; i < bytes.size() / 8; ++i) {
    const std::uint64_t word = word_at(i);
    std::memcpy(bytes.data() + i * 8, &word, 8);
  }
  return bytes;
}

}  // namespace

TEST_CASE("tinyproto: 3.5 GiB arrive over TCP, and take 3.5 GiB at each end") {
  const std::size_t message_bytes = fitting_message_bytes();
  if (message_bytes < kMostMessageBytes)
    MESSAGE("a small machine: a message of ", message_bytes, " bytes");
  int url_pipe[2];
  REQUIRE(::pipe(url_pipe) == 0);
  const pid_t receiver = ::fork();
  REQUIRE(receiver >= 0);
  if (receiver == 0) {
    ::close(url_pipe[0]);
    ::_exit(receive(url_pipe[1], message_bytes));
  }
  ::close(url_pipe[1]);
  char url[256] = {};
  const ssize_t url_bytes = ::read(url_pipe[0], url, sizeof(url) - 1);
  ::close(url_pipe[0]);
  CHECK(url_bytes > 0);
  {
    std::vector<std::byte> message = large_message(message_bytes);
    Host host(large_config(message_bytes));
    const auto dialled = host.connect(url);
    REQUIRE(dialled);
    REQUIRE(host.wait_connected(*dialled, kPatience));
    REQUIRE(dialled->send_bytes(std::move(message)));
    const std::optional<Event> sent = pump(host, EventType::data_sent);
    REQUIRE(sent);
    CHECK(sent->type == EventType::data_sent);
    CHECK(sent->receipt == Receipt::acknowledged);
    dialled->close();
    CHECK(pump(host, EventType::disconnected));
  }
  CHECK(most_resident_bytes() < message_bytes + kBesideBytes);
  int status = 0;
  REQUIRE(::waitpid(receiver, &status, 0) == receiver);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
