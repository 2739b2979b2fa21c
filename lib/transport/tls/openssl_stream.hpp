// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/transport/stream/byte_stream.hpp"
#include "lib/transport/tls/openssl_handles.hpp"
#include "lib/transport/tls/record_gatherer.hpp"
#include "lib/transport/tls/stream_bio.hpp"
#include "lib/transport/tls/tls_parts.hpp"

namespace tickwire::detail {

/// A TLS session over another stream.
///
/// Reads no more of that stream than a `handshake` or `read` asks for, plus what OpenSSL's read
/// buffer holds. A write that fails leaves what the other end has sent readable: its last words may
/// say why.
class OpensslStream final : public ByteStream {
 public:
  OpensslStream(std::shared_ptr<TlsParts> parts, std::unique_ptr<ByteStream> below,
                const std::string& host, const std::string& resumption_key);
  ~OpensslStream() override;

  [[nodiscard]] IoStatus handshake() override;
  [[nodiscard]] bool has_moved_on() const noexcept override { return has_moved_on_; }
  [[nodiscard]] IoResult read(std::span<std::byte> first, std::span<std::byte> second) override;
  /// As the seam says; and what goes for `blocked` goes for a count below what was offered, too.
  [[nodiscard]] IoResult write(std::span<const std::span<const std::byte>> pieces) override;
  [[nodiscard]] IoStatus shut_down() override;
  [[nodiscard]] std::uint64_t taken_bytes() const noexcept override {
    return link_.below->taken_bytes();
  }
  [[nodiscard]] Awaits awaits() const noexcept override { return link_.awaits; }
  [[nodiscard]] bool has_buffered_input() const noexcept override;
  [[nodiscard]] std::unique_ptr<ByteStream> take_below() noexcept override {
    return std::move(link_.below);
  }
  [[nodiscard]] Error failure() const override { return failure_; }
  [[nodiscard]] std::string verified_subject() const override;
  [[nodiscard]] std::vector<std::byte> channel_binding() const override;

 private:
  enum class State : std::uint8_t { handshaking, up, failed };
  enum class Outcome : std::uint8_t { blocked, again, ended, failed };

  bool start();
  bool call_by_name();
  bool verifies_name() const;
  IoStatus finish_handshake();
  IoStatus read_piece(std::span<std::byte> piece, std::size_t& total, int& patience);
  Outcome outcome_of(int result);
  IoStatus fail(Error error);
  IoStatus fail_by_openssl();
  Error queued_error() const;
  Error end_error() const;
  IoStatus encrypt(RecordGatherer& gatherer);
  IoStatus write_held();
  IoStatus fail_write();
  const x509_st* proven_certificate() const;

  SessionNotes notes_;
  BelowLink link_;
  std::string called_;  // whom a dialler expects
  State state_ = State::handshaking;
  bool has_moved_on_ = true;  // in the last step of the handshake
  bool starved_ = false;      // the last read took all that there was
  bool unread_news_ = false;  // the last read stopped before an end, a failure, or of itself
  bool input_ended_ = false;
  bool output_failed_ = false;
  bool close_notify_sent_ = false;
  std::size_t held_bytes_ = 0;  // at the front of what is to be written: encrypted, and held below
  Error failure_;
  OpensslPtr<ssl_st> ssl_;  // last: it uses the others until it is gone
};

}  // namespace tickwire::detail
