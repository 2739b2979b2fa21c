// SPDX-License-Identifier: MIT
#include "lib/platform/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <system_error>
#include <thread>

namespace tickwire::detail {
namespace {

// Each look-up is a thread that may hang; a program that needs more has another problem.
constexpr int kMaxLookups = 64;
std::atomic<int> lookups_under_way{0};

// With its zone, where it has one.
std::string numeric_text(const addrinfo& entry) {
  char text[NI_MAXHOST] = "";
  if (entry.ai_family != AF_INET && entry.ai_family != AF_INET6) return {};
  const int status =
      getnameinfo(entry.ai_addr, entry.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return status == 0 ? std::string(text) : std::string();
}

HostAddresses look_up(const std::string& host) {
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

}  // namespace

bool is_numeric_host(const std::string& host) {
  in6_addr place{};
  const std::string without_zone = host.substr(0, host.find('%'));
  return inet_pton(AF_INET, host.c_str(), &place) == 1 ||
         inet_pton(AF_INET6, without_zone.c_str(), &place) == 1;
}

void resolve_host(std::string host, std::function<void(HostAddresses)> done) {
  if (lookups_under_way.fetch_add(1) >= kMaxLookups) {
    lookups_under_way.fetch_sub(1);
    return done(too_many(host));
  }
  try {
    std::thread([host, done] {
      done(look_up(host));
      lookups_under_way.fetch_sub(1);
    }).detach();
  } catch (const std::system_error&) {
    lookups_under_way.fetch_sub(1);
    done(too_many(host));
  }
}

}  // namespace tickwire::detail
