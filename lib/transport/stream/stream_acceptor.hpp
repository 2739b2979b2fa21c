// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "lib/transport/stream/stream_shared.hpp"

namespace tickwire::detail {

/// One listening socket.
class StreamAcceptor final : private PollTarget {
 public:
  struct Caller {
    StreamSocket socket;
    Address address;
    AddressCensus::Place place;
  };

  /// Errors: of the system, with a sentence that names the address.
  [[nodiscard]] static Result<std::unique_ptr<StreamAcceptor>> open(
      StreamShared& shared, const ListenRequest& request, std::shared_ptr<TlsContext> tls);

  /// The next one who called, or nothing for now. Each whom it looks at takes one off `looks_left`.
  /// Whom `access` refuses, and callers above `max_links`, above `max_links_per_address` and a few,
  /// or more often than `connect_rate` allows, are cut off and counted; when the system has nothing
  /// left for another, the handler is told, once, and accepting rests for a moment. Throws
  /// `std::bad_alloc`: the one that it looked at is cut off.
  [[nodiscard]] std::optional<Caller> accept(TimePoint now, std::size_t& looks_left);
  /// One whom `accept` returned counts as a link, until it is gone.
  void keep() noexcept { ++links_; }
  void forget() noexcept { --links_; }

  [[nodiscard]] Address bound() const;
  [[nodiscard]] std::size_t listener() const noexcept { return request_.listener; }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept { return paused_until_; }
  [[nodiscard]] bool is_lost() const noexcept { return is_lost_; }

  // Certificates, for those who come.
  [[nodiscard]] const TlsConfig& tls_config() const noexcept { return request_.tls; }
  [[nodiscard]] const std::shared_ptr<TlsContext>& tls() const noexcept { return tls_; }
  void set_tls(std::shared_ptr<TlsContext> tls) noexcept { tls_ = std::move(tls); }

 private:
  StreamAcceptor(StreamShared& shared, ListenRequest request, std::shared_ptr<TlsContext> tls,
                 StreamSocket socket);
  void on_ready(Edge) noexcept override { is_ready_ = true; }
  [[nodiscard]] bool lets_in(Caller& caller, TimePoint now);
  void fail(int system_code, TimePoint now);

  StreamShared& shared_;
  ListenRequest request_;
  std::shared_ptr<TlsContext> tls_;
  StreamSocket socket_;
  Watch watch_;
  std::size_t links_ = 0;
  std::optional<TimePoint> paused_until_;
  bool is_ready_ = false;
  bool is_told_ = false;  // of the pause under way
  bool is_lost_ = false;
};

}  // namespace tickwire::detail
