// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "lib/features/accounts/accounts_core.hpp"

/// Letting users in.
namespace tickwire::detail {
namespace {

// Notes the session that a login begins on. False: it is one that has lost its session before,
// which counts once for each new session at most.
bool counts_as_try(Accepting& accepting, std::vector<std::byte> session) {
  const bool is_other = session != accepting.session;
  const bool is_lost = std::exchange(accepting.was_lost, false) ||
                       (accepting.stage == Accepting::Stage::challenged && is_other);
  accepting.session = std::move(session);
  return !is_lost || accepting.session.empty();
}

}  // namespace

void AccountsCore::take_first(Connection connection, Entry& entry, std::string_view text) {
  Accepting& accepting = *entry.accepting;
  const bool is_one_more = counts_as_try(accepting, connection.channel_binding());
  if (is_one_more && accepting.tries >= options_.max_tries_per_connection) {
    ++stats_.too_many_tries;
    refuse(connection, entry, scram_error::too_many_tries);
    connection.close("too many tries to log in");
    return;
  }
  if (is_one_more) ++accepting.tries;
  const bool is_tls = connection.address().scheme == "tls";
  if (is_tls && accepting.session.empty()) return refuse_lost(connection, entry);
  if (const auto error = obstacle(connection, entry, text); !error.empty()) {
    return refuse(connection, entry, error);
  }
  const std::string& user = accepting.scram->user();
  accepting.attempt = tries_.begin(connection.address(), user, now());
  if (!accepting.attempt) {
    ++stats_.too_many_tries;
    return refuse(connection, entry, scram_error::too_many_tries);
  }
  const Duration delay = accepting.attempt->delay();
  if (delay > Duration::zero()) ++stats_.delayed;
  // The wait comes before the challenge, so that it shows nothing of what the proof was worth.
  accepting.answer_at = now() + delay;
  look_up(connection, entry, Accepting::Stage::looking_up);
}

// Why a login cannot even begin; empty: it can.
std::string_view AccountsCore::obstacle(Connection connection, Entry& entry,
                                        std::string_view text) {
  Accepting& accepting = *entry.accepting;
  if (!options_.users) return scram_error::no_accounts;
  if (!may_log_in_over(connection)) {
    ++stats_.not_private;
    return scram_error::not_private;
  }
  // Whoever has lost the session that the challenge was for answers it with another beginning.
  const bool may_begin =
      accepting.stage == Accepting::Stage::idle || accepting.stage == Accepting::Stage::challenged;
  if (!may_begin || !entry.user.empty()) {
    ++stats_.malformed;
    return scram_error::other_error;
  }
  accepting.account.reset();
  accepting.attempt.reset();
  accepting.scram.emplace(accepting.session);
  const std::string_view error = accepting.scram->read_first(text);
  if (error.empty()) return {};
  const bool is_binding = error == scram_error::server_does_bind ||
                          error == scram_error::binding_type ||
                          error == scram_error::binding_not_supported;
  ++(is_binding ? stats_.binding_refused : stats_.malformed);
  return error;
}

void AccountsCore::look_up(Connection connection, Entry& entry, Accepting::Stage stage) {
  entry.accepting->stage = stage;
  entry.login = ++last_login_;
  auto work = [users = options_.users, user = entry.accepting->scram->user()] {
    return users->account(user);
  };
  auto then = [this, connection, login = entry.login](Result<StoredUser> found) {
    Entry* const waiting = find(connection, login);
    if (waiting != nullptr && waiting->accepting) {
      take_account(connection, *waiting, std::move(found));
    }
  };
  const ErrorCode begun = look_ups_->run(std::move(work), std::move(then));
  if (begun != ErrorCode::none) refuse(connection, entry, scram_error::no_resources);
}

void AccountsCore::take_account(Connection connection, Entry& entry, Result<StoredUser> found) {
  if (!found) {
    report_database(found.error());
    return refuse(connection, entry, scram_error::no_resources);
  }
  database_fails_ = false;
  if (entry.accepting->stage == Accepting::Stage::checking) {
    return decide(connection, entry, *found);
  }
  entry.accepting->account = *std::move(found);
  challenge(connection, entry);
}

void AccountsCore::challenge(Connection connection, Entry& entry) {
  Accepting& accepting = *entry.accepting;
  if (accepting.stage != Accepting::Stage::looking_up || !accepting.account) return;
  if (now() < accepting.answer_at) return set_due(connection, entry, accepting.answer_at);
  const auto nonce = make_nonce();
  if (!nonce) return refuse(connection, entry, scram_error::no_resources);
  accepting.stage = Accepting::Stage::challenged;
  say(connection, LoginStep::server_first, accepting.scram->first(accepting.account->keys, *nonce));
}

void AccountsCore::take_proof(Connection connection, Entry& entry, std::string_view text) {
  Accepting& accepting = *entry.accepting;
  if (accepting.session != connection.channel_binding()) return refuse_lost(connection, entry);
  if (accepting.attempt->is_too_late(now())) {
    ++stats_.too_many_tries;
    return refuse(connection, entry, scram_error::too_many_tries);
  }
  const std::string_view error = accepting.scram->read_final(text);
  // A proof is of what was found at the beginning, which may have been long ago.
  if (error.empty()) return look_up(connection, entry, Accepting::Stage::checking);
  accepting.attempt->fail(now());
  const bool is_binding = error == scram_error::bindings_dont_match;
  const bool is_wrong = error == scram_error::invalid_proof;
  ++(is_binding ? stats_.binding_refused : is_wrong ? stats_.wrong_password : stats_.malformed);
  refuse(connection, entry, error);
}

// Behind a right proof; `account` is the user as he is now.
void AccountsCore::decide(Connection connection, Entry& entry, const StoredUser& account) {
  Accepting& accepting = *entry.accepting;
  if (account.keys.stored_key != accepting.account->keys.stored_key) {
    accepting.attempt->fail(now());
    ++stats_.wrong_password;
    return refuse(connection, entry, scram_error::invalid_proof);
  }
  // Told to nobody but who knows the password.
  if (account.state == UserState::disabled) {
    ++stats_.disabled;
    return refuse(connection, entry, scram_error::account_disabled);
  }
  if (!is_wanted(EventType::logged_in)) return let_in(connection, entry);
  accepting.stage = Accepting::Stage::proven;
  entry.is_raised = true;
  Event event;
  event.type = EventType::logged_in;
  event.connection = connection;
  host_->raise(std::move(event));
}

// Our own event on its way to the program: only now is the user in, or what lies in front of it
// would be taken for his. That may have been the connection's end.
Disposition AccountsCore::take_logged_in(Connection connection) {
  const auto found = entries_.find(connection);
  if (found == entries_.end()) {
    return connection.is_open() ? Disposition::pass : Disposition::consume;
  }
  Entry& entry = found->second;
  if (!std::exchange(entry.is_raised, false)) return Disposition::pass;
  if (!entry.accepting || entry.accepting->stage != Accepting::Stage::proven) {
    return Disposition::consume;
  }
  let_in(connection, entry);
  return Disposition::pass;
}

void AccountsCore::let_in(Connection connection, Entry& entry) {
  say(connection, LoginStep::server_final, entry.accepting->scram->final());
  entry.user = entry.accepting->scram->user();
  entry.accepting.reset();
  entry.login = 0;
  ++stats_.logged_in;
}

void AccountsCore::refuse(Connection connection, Entry& entry, std::string_view error) {
  Accepting& accepting = *entry.accepting;
  set_due(connection, entry, TimePoint::max());
  entry.login = 0;
  accepting.stage = Accepting::Stage::idle;
  accepting.scram.reset();
  accepting.account.reset();
  accepting.attempt.reset();
  say(connection, LoginStep::server_final, ScramServer::refuse(error));
}

// Its TLS session went while the login was under way, which is nobody's failure: what would let the
// user in is bound to a session that is no more. By the time this arrives there is another one at
// both ends.
void AccountsCore::refuse_lost(Connection connection, Entry& entry) {
  refuse(connection, entry, scram_error::bindings_dont_match);
  entry.accepting->was_lost = true;
}

// Once, until it works again: everybody who wants to log in meanwhile would repeat it.
void AccountsCore::report_database(const Error& error) {
  ++stats_.database_failures;
  if (std::exchange(database_fails_, true)) return;
  Event event;
  event.type = EventType::error;
  event.error = error;
  host_->raise(std::move(event));
}

}  // namespace tickwire::detail
