// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

/// A message of 3.5 GiB from one process to another, in memory for little more than itself at each
/// end.
using namespace tickwire;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMessageBytes = std::size_t{3584} << 20;
constexpr std::size_t kBesideBytes = std::size_t{256} << 20;
constexpr auto kPatience = 240s;

HostConfig large_config() {
  HostConfig config;
  config.application = "large/1";
  config.limits.max_message_bytes = kMessageBytes;
  config.limits.max_send_queue_bytes = kMessageBytes + 1024;
  config.limits.max_reassembly_bytes = kMessageBytes + 1024;
  config.limits.max_host_reassembly_bytes = kMessageBytes + 1024;
  return config;
}

// What stands at a place of the message.
std::uint64_t word_at(std::size_t index) noexcept {
  return index * 0x9e37'79b9'7f4a'7c15u;
}

bool is_whole(std::span<const std::byte> bytes) {
  if (bytes.size() != kMessageBytes) return false;
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

bool pump(Host& host, const std::function<bool(const Event&)>& is_done) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience;
       std::chrono::steady_clock::now() < end;) {
    const auto event = host.wait_for(100ms);
    if (event && is_done(*event)) return true;
  }
  return false;
}

/// The receiving process. Its exit status: 0, or the step that failed.
int receive(int url_pipe) {
  Host host(large_config());
  const auto bound = host.listen("tcp://127.0.0.1:0");
  if (!bound) return 1;
  const std::string url = bound->to_string();
  if (::write(url_pipe, url.data(), url.size()) != static_cast<ssize_t>(url.size())) return 2;
  ::close(url_pipe);
  bool whole = false;
  const bool is_received = pump(host, [&](const Event& event) {
    if (event.type != EventType::data_received) return false;
    whole = is_whole(event.bytes());
    return true;
  });
  if (!is_received) return 3;
  if (!whole) return 4;
  if (most_resident_bytes() > kMessageBytes + kBesideBytes) return 5;
  return pump(host, [](const Event& event) { return event.type == EventType::disconnected; }) ? 0
                                                                                              : 6;
}

std::vector<std::byte> large_message() {
  std::vector<std::byte> bytes(kMessageBytes);
  for (std::size_t i = 0; i < bytes.size() / 8; ++i) {
    const std::uint64_t word = word_at(i);
    std::memcpy(bytes.data() + i * 8, &word, 8);
  }
  return bytes;
}

}  // namespace

TEST_CASE("tinyproto: 3.5 GiB arrive over TCP, and take 3.5 GiB at each end") {
  int url_pipe[2];
  REQUIRE(::pipe(url_pipe) == 0);
  const pid_t receiver = ::fork();
  REQUIRE(receiver >= 0);
  if (receiver == 0) {
    ::close(url_pipe[0]);
    ::_exit(receive(url_pipe[1]));
  }
  ::close(url_pipe[1]);
  char url[256] = {};
  const ssize_t url_bytes = ::read(url_pipe[0], url, sizeof(url) - 1);
  ::close(url_pipe[0]);
  CHECK(url_bytes > 0);
  {
    Host host(large_config());
    const auto dialled = host.connect(url);
    REQUIRE(dialled);
    REQUIRE(host.wait_connected(*dialled, kPatience));
    const auto sent = dialled->send_bytes(large_message());
    REQUIRE(sent);
    Receipt receipt = Receipt::none;
    CHECK(pump(host, [&](const Event& event) {
      if (event.type == EventType::data_sent) receipt = event.receipt;
      return event.type == EventType::data_sent || event.type == EventType::disconnected;
    }));
    CHECK(receipt == Receipt::acknowledged);
    dialled->close();
    CHECK(pump(host, [](const Event& event) { return event.type == EventType::disconnected; }));
  }
  CHECK(most_resident_bytes() < kMessageBytes + kBesideBytes);
  int status = 0;
  REQUIRE(::waitpid(receiver, &status, 0) == receiver);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
