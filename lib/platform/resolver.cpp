// SPDX-License-Identifier: MIT
#include "lib/platform/resolver.hpp"

#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "lib/platform/socket_headers.hpp"

namespace tickwire::detail {
namespace {

// Each may hang in a name server, and hold up nobody but those behind it once all do.
constexpr int kMaxThreads = 16;
// As many as a host that has lost all of its connections at once calls again.
constexpr std::size_t kMaxWaiting = 65'536;

// With its zone, where it has one.
std::string numeric_text(const addrinfo& entry) {
  char text[NI_MAXHOST] = "";
  if (entry.ai_family != AF_INET && entry.ai_family != AF_INET6) return {};
  const int status = getnameinfo(entry.ai_addr, static_cast<socklen_t>(entry.ai_addrlen), text,
                                 sizeof text, nullptr, 0, NI_NUMERICHOST);
  return status == 0 ? std::string(text) : std::string();
}

HostAddresses look_up(const std::string& host) {
  start_sockets();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;  // one entry for each address
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, [](addrinfo* list) {
    if (list != nullptr) freeaddrinfo(list);
  });
  if (status != 0) {
    return Error{ErrorCode::name_not_resolved, status,
                 "The host name '" + host + "' cannot be resolved: " + gai_strerror(status) + "."};
  }
  std::vector<std::string> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (auto text = numeric_text(*entry); !text.empty()) addresses.push_back(std::move(text));
  }
  if (addresses.empty()) {
    return Error{ErrorCode::name_not_resolved, 0, "The host name '" + host + "' has no address."};
  }
  return addresses;
}

Error too_many(const std::string& host) {
  return {ErrorCode::out_of_resources, 0,
          "The host name '" + host + "' cannot be looked up: too many look-ups are under way."};
}

/// Those that wait for a thread, and how many threads there are. None of them is idle: the last
/// look-up is the end of its thread.
class LookUps {
 public:
  void add(const std::string& host, const std::function<void(HostAddresses)>& done) {
    bool is_full = false;
    bool is_short = false;
    {
      const std::lock_guard lock(mutex_);
      is_full = waiting_.size() >= kMaxWaiting;
      if (!is_full) waiting_.push_back({host, look_up_, done});
      is_short = !is_full && threads_ < kMaxThreads;
      threads_ += is_short ? 1 : 0;
    }
    if (is_full) done(too_many(host));
    if (is_short) start_thread();
  }

  void replace(LookUp look_up) {
    const std::lock_guard lock(mutex_);
    look_up_ = std::move(look_up);
  }

 private:
  struct Job {
    std::string host;
    LookUp look_up;
    std::function<void(HostAddresses)> done;
  };

  void start_thread() {
    try {
      std::thread([this] { work(); }).detach();
    } catch (const std::exception&) {  // of the system, or for want of memory
      for (const Job& each : give_up())
        each.done(too_many(each.host));
    }
  }

  void work() {
    while (const auto job = next()) {
      try {
        job->done(job->look_up(job->host));
      } catch (...) {
        // No memory for the answer, nor to say so: the call ends when its time is over.
      }
    }
  }

  std::optional<Job> next() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      --threads_;
      return std::nullopt;
    }
    std::optional<Job> job(std::move(waiting_.front()));
    waiting_.pop_front();
    return job;
  }

  // A thread that could not be started. Nobody would come for those that wait if it was the only
  // one.
  std::deque<Job> give_up() {
    const std::lock_guard lock(mutex_);
    std::deque<Job> left;
    if (--threads_ == 0) left.swap(waiting_);
    return left;
  }

  std::mutex mutex_;
  LookUp look_up_ = look_up;
  std::deque<Job> waiting_;
  int threads_ = 0;
};

// Never destroyed: a thread may come back from its name server when `main` is over.
LookUps& look_ups() {
  static LookUps& all = *new LookUps;
  return all;
}

}  // namespace

bool is_numeric_host(const std::string& host) {
  in6_addr place{};
  const std::string without_zone = host.substr(0, host.find('%'));
  return inet_pton(AF_INET, host.c_str(), &place) == 1 ||
         inet_pton(AF_INET6, without_zone.c_str(), &place) == 1;
}

void resolve_host(const std::string& host, const std::function<void(HostAddresses)>& done) {
  look_ups().add(host, done);
}

void replace_look_up(LookUp replacement) {
  look_ups().replace(replacement ? std::move(replacement) : look_up);
}

}  // namespace tickwire::detail
