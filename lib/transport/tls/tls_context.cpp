// SPDX-License-Identifier: MIT
#include <utility>

#include "lib/transport/tls/openssl_stream.hpp"
#include "lib/transport/tls/tls_parts.hpp"
#include "lib/transport/tls/tls_session.hpp"

namespace tickwire::detail {
namespace {

class OpensslContext final : public TlsContext {
 public:
  explicit OpensslContext(std::shared_ptr<TlsParts> parts) : parts_(std::move(parts)) {}

  [[nodiscard]] std::unique_ptr<ByteStream> wrap(std::unique_ptr<ByteStream> below,
                                                 const std::string& host,
                                                 const std::string& resumption_key) override {
    return std::make_unique<OpensslStream>(parts_, std::move(below), host, resumption_key);
  }
  [[nodiscard]] bool has_sessions() const noexcept override { return parts_.use_count() > 1; }

 private:
  std::shared_ptr<TlsParts> parts_;
};

}  // namespace

Result<std::shared_ptr<TlsContext>> make_tls_context(const TlsConfig& config, TlsRole role,
                                                     TlsPayload payload) {
  auto parts = make_tls_parts(config, role, payload);
  if (!parts) return std::move(parts).error();
  return std::shared_ptr<TlsContext>(std::make_shared<OpensslContext>(*std::move(parts)));
}

}  // namespace tickwire::detail
