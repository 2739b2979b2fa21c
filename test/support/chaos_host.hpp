// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/host.hpp>

#include "test/support/counting_resource.hpp"
#include "test/support/event_log.hpp"

namespace tickwire::test {

/// Names one send of a schedule; what it sent can be told from its text.
using SendNumber = std::uint32_t;

/// What one connection of a host said and was told.
struct Course {
  struct Heard {
    SendNumber number = 0;
    std::uint8_t channel = 0;
  };
  using Line = std::pair<Delivery, std::uint8_t>;  // and its channel

  Connection connection;
  std::string name;  ///< the same on both ends
  bool connected = false;
  bool interrupted = false;
  bool over = false;
  std::size_t over_in_pass = 0;
  std::map<Line, std::vector<SendNumber>> said;
  std::map<MessageId, SendNumber> ids;
  std::map<MessageId, Receipt> receipts;
  std::vector<Heard> heard;

  /// Whether nothing is to come that must come.
  [[nodiscard]] bool is_settled() const noexcept {
    return over || (connected && !interrupted && receipts.size() == ids.size());
  }
};

/// A host whose memory is counted, and a record of all that it said and was told. What breaks a
/// promise the moment it happens is kept in `breach`; the order of events is checked by `EventLog`.
class ChaosHost {
 public:
  /// What a send looked like when it was made. A host makes every number once.
  struct Sent {
    Delivery delivery = Delivery::reliable;
    std::uint8_t channel = 0;
    bool keyed = false;  ///< it may take the place of one that was sent before
  };

  /// Text that a number stands for, the same on every machine.
  [[nodiscard]] static std::string text_of(SendNumber number, std::size_t bytes);

  ChaosHost(HostConfig config, std::string name);

  /// One pass. Returns how many events it handed out.
  std::size_t poll();

  void connect(std::string_view url, ConnectOptions options);
  /// Sends to one. `number` is used up.
  void send(Connection to, SendNumber number, std::size_t bytes, const SendOptions& options);
  void broadcast(SendNumber number, std::size_t bytes, const BroadcastOptions& options);
  /// Sends the last message that was kept on to `targets`, once. Does nothing without one.
  void forward(std::span<const Connection> targets, const SendOptions& options);
  void close(Connection connection, const CloseReason& reason);
  /// Lets go of the host; the record stays.
  void destroy();

  /// What must hold at any time: bounded queues and memory, handles that answer right.
  void check_bounds(std::size_t probe);
  void expect(bool holds, const std::string& promise);

  [[nodiscard]] bool lives() const noexcept { return host != nullptr; }
  [[nodiscard]] std::vector<Connection> known() const;
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] bool is_over() const;

  CountingResource memory;
  std::unique_ptr<Host> host;
  EventLog log{EventLog::Keep::no_messages};
  std::map<std::uint64_t, Course> courses;  // by Connection::id
  std::map<SendNumber, Sent> sent;
  std::string breach;
  std::size_t passes = 0;

 private:
  void take(Event event);
  void hear(Event event, Course& course);
  void said(Connection by, MessageId id, SendNumber number, const Sent& how);
  void count_targets(std::span<const Connection> targets, const BroadcastResult& result,
                     SendNumber number, const Sent& how,
                     const std::map<std::uint64_t, std::uint64_t>& before);
  [[nodiscard]] std::map<std::uint64_t, std::uint64_t> messages_sent() const;
  [[nodiscard]] Delivery resolved(const SendOptions& options) const;
  Course& course(Connection connection);

  std::string name_;
  HostConfig config_;
  std::optional<Event> kept_;  // to be forwarded
  SendNumber kept_number_ = 0;
};

}  // namespace tickwire::test
