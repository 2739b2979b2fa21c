// SPDX-License-Identifier: MIT
#include <tickwire/accounts.hpp>

/// For builds without OpenSSL.
namespace tickwire {

namespace detail {
class AccountsCore {};
}  // namespace detail

Accounts::Accounts(AccountsOptions) {}
Accounts::~Accounts() = default;

Result<void> Accounts::login(Connection, std::string_view, std::string_view) {
  return Error{ErrorCode::not_supported, 0,
               "This build of Tickwire logs nobody in: it was made without TLS."};
}

std::string Accounts::user(Connection) const {
  return {};
}
std::vector<Connection> Accounts::connections_of(std::string_view) const {
  return {};
}
AccountsStats Accounts::stats() const {
  return {};
}

void Accounts::on_attach(Host&) {}
void Accounts::on_detach(Host&) {}
Disposition Accounts::on_event(Host&, Event&) {
  return Disposition::pass;
}
void Accounts::on_pass(Host&) {}
TimePoint Accounts::wake_at() const {
  return TimePoint::max();
}
Result<void> Accounts::on_login(Host&, Connection connection, const Login& login) {
  return this->login(connection, login.user, login.password);
}

}  // namespace tickwire
