// SPDX-License-Identifier: MIT
#include <tickwire/transfer.hpp>

/// `Transfers` of a build without OpenSSL, which has no SHA-256.
namespace tickwire {

namespace detail {
class TransferCore {};
}  // namespace detail

namespace {

Error not_built() {
  return Error{ErrorCode::not_supported, 0,
               "this build has no transfers (it was configured with -Dtls=disabled)"};
}

}  // namespace

Transfers::Transfers(const TransferOptions&) {}
Transfers::~Transfers() = default;

Result<TransferId> Transfers::offer_file(Connection, const std::filesystem::path&,
                                         const OfferOptions&) {
  return not_built();
}
Result<TransferId> Transfers::offer_memory(Connection,
                                           std::shared_ptr<const std::vector<std::byte>>,
                                           std::string_view, const OfferOptions&) {
  return not_built();
}
Result<void> Transfers::accept(TransferId, const std::filesystem::path&, WhenThere) {
  return not_built();
}
Result<std::filesystem::path> Transfers::accept_into_folder(TransferId,
                                                            const std::filesystem::path&,
                                                            WhenThere) {
  return not_built();
}
Result<void> Transfers::accept_to_memory(TransferId, std::size_t) {
  return not_built();
}
Result<std::vector<std::byte>> Transfers::take_bytes(TransferId) {
  return not_built();
}
ErrorCode Transfers::refuse(TransferId, std::string_view) {
  return ErrorCode::not_supported;
}
ErrorCode Transfers::cancel(TransferId, std::string_view) {
  return ErrorCode::not_supported;
}
std::optional<TransferInfo> Transfers::info(TransferId) const {
  return std::nullopt;
}
std::vector<TransferInfo> Transfers::all() const {
  return {};
}
TransferCounters Transfers::counters() const {
  return {};
}

void Transfers::on_attach(Host&) {}
void Transfers::on_detach(Host&) {}
Disposition Transfers::on_event(Host&, Event&) {
  return Disposition::pass;
}
void Transfers::on_pass(Host&) {}
TimePoint Transfers::wake_at() const {
  return TimePoint::max();
}

}  // namespace tickwire
