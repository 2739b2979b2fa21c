// SPDX-License-Identifier: MIT
#include <tickwire/accounts.hpp>

#include <utility>

#include "lib/features/accounts/accounts_core.hpp"

namespace tickwire {

Accounts::Accounts(AccountsOptions options)
    : core_(std::make_unique<detail::AccountsCore>(std::move(options))) {}
Accounts::~Accounts() {
  detach();
}

Result<void> Accounts::login(Connection connection, std::string_view user,
                             std::string_view password) {
  return core_->login(connection, user, password);
}

std::string Accounts::user(Connection connection) const {
  return core_->user(connection);
}
std::vector<Connection> Accounts::connections_of(std::string_view user) const {
  return core_->connections_of(user);
}
AccountsStats Accounts::stats() const {
  return core_->stats();
}

void Accounts::on_attach(Host& host) {
  core_->attach(host);
}
void Accounts::on_detach(Host&) {
  core_->detach();
}
Disposition Accounts::on_event(Host&, Event& event) {
  return core_->on_event(event);
}
void Accounts::on_pass(Host&) {
  core_->on_pass();
}
TimePoint Accounts::wake_at() const {
  return core_->wake_at();
}
Result<void> Accounts::on_login(Host&, Connection connection, const Login& login) {
  return core_->login(connection, login.user, login.password);
}

}  // namespace tickwire
