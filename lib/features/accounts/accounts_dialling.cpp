// SPDX-License-Identifier: MIT
#include <utility>

#include "lib/crypto/hmac.hpp"
#include "lib/features/accounts/accounts_core.hpp"
#include "lib/features/accounts/text_rules.hpp"

/// Logging in at the other end.
namespace tickwire::detail {
namespace {

struct Reason {
  std::string_view refusal;
  ErrorCode code;
  const char* sentence;
};

constexpr Reason kReasons[] = {
    {scram_error::invalid_proof, ErrorCode::login_failed,
     "The other end knows no such user with this password."},
    {"unknown-user", ErrorCode::login_failed,
     "The other end knows no such user with this password."},
    {scram_error::account_disabled, ErrorCode::account_disabled,
     "The password is right, but the account is disabled."},
    {scram_error::too_many_tries, ErrorCode::too_many_tries,
     "There were too many tries to log in; wait a while."},
    {scram_error::not_private, ErrorCode::not_private,
     "The other end lets nobody log in over a connection that others can read."},
    {scram_error::bindings_dont_match, ErrorCode::server_not_proven,
     "The two ends do not share one TLS session: somebody sits in between."},
    {scram_error::server_does_bind, ErrorCode::server_not_proven,
     "The other end has TLS and this one has not: somebody sits in between."},
    {scram_error::binding_not_supported, ErrorCode::server_not_proven,
     "This end has TLS and the other one has not: somebody sits in between."},
    {scram_error::no_resources, ErrorCode::login_unavailable,
     "The other end cannot look at its users at present."},
    {scram_error::no_accounts, ErrorCode::not_supported, "The other end has no users."},
};

Error explain(const std::string& refusal) {
  for (const Reason& each : kReasons)
    if (refusal == each.refusal) return {each.code, 0, each.sentence};
  return {ErrorCode::protocol_violation, 0, "The other end refuses the login: " + refusal + "."};
}

Error refused_call(ErrorCode code, const char* sentence) {
  return {code, 0, sentence};
}

Error no_random_numbers() {
  return {ErrorCode::out_of_resources, 0, "The system has no random numbers."};
}

}  // namespace

Result<void> AccountsCore::check_login(Connection connection, std::string_view user,
                                       std::string_view password) const {
  if (host_ == nullptr) {
    return refused_call(ErrorCode::not_supported, "The accounts are attached to no host.");
  }
  if (connection.address() == Address()) return refused_call(ErrorCode::not_connected, "");
  if (connection.direction() != Direction::dialled) {
    return refused_call(ErrorCode::invalid_argument,
                        "The other end dialled, so it is the one that may log in.");
  }
  if (connection.address().scheme.starts_with("raw+")) {
    return refused_call(ErrorCode::not_supported, "A raw stream has no messages to log in by.");
  }
  if (!is_wanted(EventType::object_received)) {
    return refused_call(ErrorCode::not_supported,
                        "HostConfig::events leaves object_received out, so no answer would come.");
  }
  if (auto usable = check_user(user); !usable) return usable;
  if (auto usable = check_password(password); !usable) return usable;
  const auto found = entries_.find(connection);
  if (found != entries_.end()) {
    if (found->second.ended) return refused_call(ErrorCode::not_connected, "");
    if (found->second.dialling || !found->second.user.empty()) {
      return refused_call(ErrorCode::invalid_argument,
                          "The connection is logged in, or about to be.");
    }
  }
  if (connection.is_open() && !may_log_in_over(connection)) {
    return refused_call(ErrorCode::not_private,
                        "Others can read what this connection carries; use tls://, or set "
                        "AccountsOptions::login_over.");
  }
  return {};
}

Result<void> AccountsCore::login(Connection connection, std::string_view user,
                                 std::string_view password) {
  if (auto fine = check_login(connection, user, password); !fine) return fine;
  Entry& entry = entries_[connection];
  entry.login = ++last_login_;
  entry.dialling.emplace();
  entry.dialling->user = user;
  entry.dialling->password = std::make_shared<const crypto::Secret>(password);
  set_due(connection, entry, now() + options_.answer_timeout);
  if (connection.is_open()) begin(connection, entry);
  return {};
}

void AccountsCore::begin(Connection connection, Entry& entry) {
  Dialling& dialling = *entry.dialling;
  if (dialling.stage != Dialling::Stage::waiting) return;
  // `resumed` comes when there is something to be bound to.
  if (is_cut_off(connection)) {
    return set_due(connection, entry, now() + options_.answer_timeout);
  }
  if (!may_log_in_over(connection)) {
    return fail(connection, entry,
                {ErrorCode::not_private, 0, "Others can read what this connection carries."});
  }
  const auto nonce = make_nonce();
  if (!nonce) return fail(connection, entry, no_random_numbers());
  dialling.session = connection.channel_binding();
  dialling.scram.emplace(dialling.user, dialling.session, *nonce);
  dialling.stage = Dialling::Stage::asked;
  set_due(connection, entry, now() + options_.answer_timeout);
  say(connection, LoginStep::client_first, dialling.scram->first());
}

// On another TLS session, or once there is one. Only after an answer, so that no answer is taken
// for one to another question: across a `resumed` nothing is lost, and each question is answered
// once.
void AccountsCore::begin_again(Connection connection, Entry& entry) {
  entry.login = ++last_login_;
  entry.dialling->stage = Dialling::Stage::waiting;
  begin(connection, entry);
}

std::optional<Error> AccountsCore::take_challenge(Connection connection, Entry& entry,
                                                  std::string_view text) {
  const auto challenge = entry.dialling->scram->read_first(text);
  if (!challenge) {
    return Error{ErrorCode::protocol_violation, 0, "The other end's challenge makes no sense."};
  }
  if (challenge->iterations < options_.min_iterations ||
      challenge->iterations > options_.max_iterations) {
    return Error{ErrorCode::server_not_proven, 0,
                 "The other end asks for " + std::to_string(challenge->iterations) +
                     " iterations; AccountsOptions allows " +
                     std::to_string(options_.min_iterations) + " to " +
                     std::to_string(options_.max_iterations) + "."};
  }
  return derive(connection, entry, *challenge);
}

std::optional<Error> AccountsCore::derive(Connection connection, Entry& entry,
                                          const ScramClient::Challenge& challenge) {
  entry.dialling->stage = Dialling::Stage::deriving;
  set_due(connection, entry, TimePoint::max());  // this end is at work, not the other
  struct Salted {
    crypto::Sha256Digest key{};
    ~Salted() { crypto::wipe(key); }
  };
  auto work = [challenge, password = entry.dialling->password] {
    auto salted = std::make_shared<Salted>();
    salted->key = crypto::pbkdf2_sha256(password->bytes(), challenge.salt, challenge.iterations);
    return salted;
  };
  auto then = [this, connection, login = entry.login](Result<std::shared_ptr<Salted>> salted) {
    Entry* const waiting = find(connection, login);
    if (waiting == nullptr || !waiting->dialling) return;
    if (!salted) return fail(connection, *waiting, std::move(salted).error());
    if (waiting->dialling->session != connection.channel_binding()) {
      return begin_again(connection, *waiting);
    }
    waiting->dialling->stage = Dialling::Stage::proving;
    set_due(connection, *waiting, now() + options_.answer_timeout);
    say(connection, LoginStep::client_final, waiting->dialling->scram->final((*salted)->key));
  };
  const ErrorCode begun = derivations_->run(std::move(work), std::move(then));
  if (begun == ErrorCode::none) return std::nullopt;
  return Error{begun, 0, "Too many logins are under way to derive another key."};
}

Disposition AccountsCore::take_verdict(Entry& entry, Event& event, std::string_view text) {
  Dialling& dialling = *entry.dialling;
  using Verdict = ScramClient::Verdict;
  const bool was_asked = dialling.stage != Dialling::Stage::waiting;
  const bool has_proved = dialling.stage == Dialling::Stage::proving;
  const Verdict verdict = was_asked ? dialling.scram->read_final(text) : Verdict::malformed;
  if (verdict == Verdict::refused) {
    const std::string& refusal = dialling.scram->refusal();
    // What it was bound to is gone, and nobody in between.
    const bool is_lost = refusal == scram_error::bindings_dont_match &&
                         dialling.session != event.connection.channel_binding();
    if (!is_lost) return fail(entry, event, explain(refusal));
    begin_again(event.connection, entry);
    return Disposition::consume;
  }
  // Before our own proof is out there is nothing that it could have proved itself by.
  if (!has_proved || verdict == Verdict::malformed) {
    ++stats_.malformed;
    return fail(entry, event,
                {ErrorCode::protocol_violation, 0, "The other end's verdict makes no sense."});
  }
  if (verdict == Verdict::not_proven) {
    return fail(entry, event,
                {ErrorCode::server_not_proven, 0,
                 "The other end says yes without knowing the user: it is not who it seems."});
  }
  entry.user = std::move(dialling.user);
  forget_login(event.connection, entry);
  ++stats_.logged_in;
  return become(event, EventType::logged_in, {});
}

void AccountsCore::forget_login(Connection connection, Entry& entry) {
  set_due(connection, entry, TimePoint::max());
  unsaid_.erase(connection);
  entry.dialling.reset();
  entry.login = 0;
}

Disposition AccountsCore::fail(Entry& entry, Event& event, Error error) {
  forget_login(event.connection, entry);
  ++stats_.failed_elsewhere;
  if (error.code == ErrorCode::server_not_proven) {
    event.connection.close("the server has not proved who it is");
  }
  return become(event, EventType::login_failed, std::move(error));
}

// Where no message of the other end's is the cause.
void AccountsCore::fail(Connection connection, Entry& entry, Error error) {
  forget_login(connection, entry);
  ++stats_.failed_elsewhere;
  // Its end is told already, or about to be, and says enough.
  if (!connection.is_open() || !is_wanted(EventType::login_failed)) return;
  Event event;
  event.type = EventType::login_failed;
  event.connection = connection;
  event.error = std::move(error);
  host_->raise(std::move(event));
}

}  // namespace tickwire::detail
