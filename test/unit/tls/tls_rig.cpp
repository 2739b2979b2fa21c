// SPDX-License-Identifier: MIT
#include "test/unit/tls/tls_rig.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>

namespace tickwire::test {

using namespace detail;

TlsRig::TlsRig()
    : authority(folder.issue("authority",
                             {.common_name = "Test authority", .use = CertificateUse::authority})),
      server(folder.issue("server", {.common_name = "relay",
                                     .organization = "Example",
                                     .dns_names = {"relay.example", "*.games.example"},
                                     .addresses = {"127.0.0.1", "::1"},
                                     .issuer = "authority"})),
      client(folder.issue(
          "client",
          {.common_name = "Zoë, player", .organization = "Example", .issuer = "authority"})) {
  dial.ca_file = authority.certificate_file;
  listen.certificate_file = server.certificate_file;
  listen.private_key_file = server.private_key_file;
}

TlsPair::TlsPair(const TlsRig& rig, const std::string& host)
    : TlsPair(*load(rig.dial, TlsRole::dialler), *load(rig.listen, TlsRole::acceptor), host) {}

TlsPair::TlsPair(TlsContext& dial, TlsContext& listen, const std::string& host)
    : wire(make_memory_streams()),
      dialler(dial.wrap(std::move(wire.left), host, host + ":1")),
      acceptor(listen.wrap(std::move(wire.right), "", "")) {
  shake();
}

void TlsPair::shake() {
  constexpr int most_rounds = 20'000;  // a wire may carry one byte at a time
  for (int round = 0; round < most_rounds; ++round) {
    if (dialled != IoStatus::failed) dialled = dialler->handshake();
    if (accepted != IoStatus::failed) accepted = acceptor->handshake();
    if (dialled != IoStatus::blocked && accepted != IoStatus::blocked) return;
    // Who has failed hangs up.
    if (dialled == IoStatus::failed) wire.to_right->ended = true;
    if (accepted == IoStatus::failed) wire.to_left->ended = true;
  }
}

LoneEnd::LoneEnd(const TlsRig& rig, TlsRole role)
    : wire(make_memory_streams()),
      session(load(role == TlsRole::dialler ? rig.dial : rig.listen, role)
                  ->wrap(std::move(wire.left), TlsRig::host, "")) {}

Error LoneEnd::failure_after(std::string_view bytes, Then then) {
  if (session->handshake() == IoStatus::failed) return session->failure();
  send(*wire.right, bytes);
  if (then == Then::end) wire.to_left->ended = true;
  if (then == Then::cut) wire.cut();
  return session->handshake() == IoStatus::failed ? session->failure() : Error{};
}

std::shared_ptr<TlsContext> load(const TlsConfig& config, TlsRole role, TlsPayload payload) {
  auto context = make_tls_context(config, role, payload);
  if (!context) throw std::runtime_error(context.error().message());
  return *context;
}

bool send(ByteStream& stream, std::string_view text) {
  auto rest = std::as_bytes(std::span(text));
  while (!rest.empty()) {
    const IoResult result = stream.write(std::span(&rest, 1));
    if (result.status != IoStatus::done) return false;
    rest = rest.subspan(result.bytes);
  }
  return true;
}

std::string receive(ByteStream& stream, IoStatus* last) {
  std::string text;
  std::array<char, 5000> buffer{};
  for (;;) {
    const auto bytes = std::as_writable_bytes(std::span(buffer));
    const IoResult result = stream.read(bytes.first(1000), bytes.subspan(1000));
    if (last != nullptr) *last = result.status;
    if (result.status == IoStatus::blocked && stream.has_buffered_input()) continue;
    if (result.status != IoStatus::done) return text;
    text.append(buffer.data(), result.bytes);
  }
}

bool talk(TlsPair& pair) {
  return send(*pair.dialler, "hello") && receive(*pair.acceptor) == "hello" &&
         send(*pair.acceptor, "welcome") && receive(*pair.dialler) == "welcome";
}

}  // namespace tickwire::test
