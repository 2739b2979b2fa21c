// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/transport/tls/tls_session.hpp"
#include "test/support/certificates.hpp"
#include "test/support/memory_stream.hpp"

namespace tickwire::test {

/// Certificates of a server, a client and their authority, and configurations that fit.
struct TlsRig {
  TlsRig();

  static constexpr const char* host = "relay.example";

  CertificateFolder folder;
  CertificateFiles authority;
  CertificateFiles server;
  CertificateFiles client;
  TlsConfig dial;    ///< believes the authority, shows nothing
  TlsConfig listen;  ///< shows the server's certificate, asks for none
};

/// Two sessions over memory; their handshake has run until nothing moved any more.
struct TlsPair {
  TlsPair(const TlsRig& rig, const std::string& host = TlsRig::host);
  TlsPair(detail::TlsContext& dial, detail::TlsContext& listen,
          const std::string& host = TlsRig::host);

  void shake();
  [[nodiscard]] bool up() const {
    return dialled == detail::IoStatus::done && accepted == detail::IoStatus::done;
  }

  MemoryStreams wire;  ///< the dialler is left
  std::unique_ptr<detail::ByteStream> dialler;
  std::unique_ptr<detail::ByteStream> acceptor;
  detail::IoStatus dialled = detail::IoStatus::blocked;
  detail::IoStatus accepted = detail::IoStatus::blocked;
};

/// One end alone, with the test as its peer.
struct LoneEnd {
  LoneEnd(const TlsRig& rig, detail::TlsRole role);

  /// What its handshake fails with after these bytes and, `then`, that.
  enum class Then { nothing, end, cut };
  [[nodiscard]] Error failure_after(std::string_view bytes, Then then);

  MemoryStreams wire;  ///< the session is left
  std::unique_ptr<detail::ByteStream> session;
};

[[nodiscard]] std::shared_ptr<detail::TlsContext> load(
    const TlsConfig& config, detail::TlsRole role,
    detail::TlsPayload payload = detail::TlsPayload::tickwire);

/// Writes all of it; false when the stream does not take it.
bool send(detail::ByteStream& stream, std::string_view text);
/// All that can be read now. `last`: what the read behind it came to.
[[nodiscard]] std::string receive(detail::ByteStream& stream, detail::IoStatus* last = nullptr);
/// Whether bytes come through both ways.
[[nodiscard]] bool talk(TlsPair& pair);

}  // namespace tickwire::test
