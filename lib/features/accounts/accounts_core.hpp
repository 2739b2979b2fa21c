// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tickwire/accounts.hpp>
#include <tickwire/host.hpp>
#include <tickwire/workers.hpp>

#include "lib/crypto/secret.hpp"
#include "lib/features/accounts/login_words.hpp"
#include "lib/features/accounts/scram.hpp"
#include "lib/features/accounts/stored_user.hpp"
#include "lib/features/accounts/tries.hpp"

namespace tickwire::detail {

/// A login of ours at the other end.
struct Dialling {
  enum class Stage : std::uint8_t { waiting, asked, deriving, proving };
  Stage stage = Stage::waiting;
  std::string user;
  // Kept to the end: who loses the session begins again.
  std::shared_ptr<const crypto::Secret> password;
  std::optional<ScramClient> scram;
  std::vector<std::byte> session;  // the binding of the one that it began on
  bool is_cut_off = false;         // when the last time for an answer was over
};
/// The other end's logins here.
struct Accepting {
  // `checking`: the proof was right, and the user is looked up once more. `proven`: and is still
  // who he was, which the program is about to be told.
  enum class Stage : std::uint8_t { idle, looking_up, challenged, checking, proven };
  Stage stage = Stage::idle;
  std::optional<ScramServer> scram;
  std::optional<StoredUser> account;  // once it is looked up
  TimePoint answer_at{};              // not before
  std::size_t tries = 0;
  std::unique_ptr<Tries::Attempt> attempt;  // of the login under way
  std::vector<std::byte> session;           // the binding of the one that it began on
  bool was_lost = false;                    // the last login, with its session
};

/// What stands behind an `Accounts`. Its members are in three files: accounts_core.cpp moves events
/// and deadlines, accounts_dialling.cpp logs in elsewhere, accounts_accepting.cpp lets users in.
class AccountsCore {
 public:
  explicit AccountsCore(AccountsOptions options) : options_(std::move(options)), tries_(options_) {}

  void attach(Host& host);
  void detach();
  Result<void> login(Connection connection, std::string_view user, std::string_view password);
  [[nodiscard]] std::string user(Connection connection) const;
  [[nodiscard]] std::vector<Connection> connections_of(std::string_view user) const;
  [[nodiscard]] const AccountsStats& stats() const noexcept { return stats_; }

  Disposition on_event(Event& event);
  void on_pass();
  [[nodiscard]] TimePoint wake_at() const {
    return due_.empty() ? TimePoint::max() : due_.begin()->first;
  }

 private:
  struct Entry {
    std::string user;  // who is logged in
    std::optional<Dialling> dialling;
    std::optional<Accepting> accepting;
    std::uint64_t login = 0;  // the number of the one under way: what comes back late is not its
    TimePoint due = TimePoint::max();
    bool is_raised = false;  // a `logged_in` for it lies in the host's ring
    bool ended = false;
  };

  // accounts_core.cpp
  [[nodiscard]] TimePoint now() const noexcept;
  [[nodiscard]] bool is_wanted(EventType type) const noexcept;
  [[nodiscard]] bool may_log_in_over(Connection connection) const;
  [[nodiscard]] static bool is_cut_off(Connection connection);
  [[nodiscard]] Entry* find(Connection connection, std::uint64_t login);
  void set_due(Connection connection, Entry& entry, TimePoint due);
  void run_due(Connection connection, Entry& entry);
  void end(Connection connection);
  void say(Connection connection, LoginStep step, std::string text);
  [[nodiscard]] ErrorCode try_to_say(Connection connection, const LoginWords& words);
  void say_unsaid();
  [[nodiscard]] Disposition take_words(Event& event);
  [[nodiscard]] Disposition become(Event& event, EventType type, Error error);

  // accounts_dialling.cpp
  [[nodiscard]] Result<void> check_login(Connection connection, std::string_view user,
                                         std::string_view password) const;
  void begin(Connection connection, Entry& entry);
  void begin_again(Connection connection, Entry& entry);
  [[nodiscard]] std::optional<Error> derive(Connection connection, Entry& entry,
                                            const ScramClient::Challenge& challenge);
  [[nodiscard]] std::optional<Error> take_challenge(Connection connection, Entry& entry,
                                                    std::string_view text);
  [[nodiscard]] Disposition take_verdict(Entry& entry, Event& event, std::string_view text);
  [[nodiscard]] Disposition fail(Entry& entry, Event& event, Error error);
  void fail(Connection connection, Entry& entry, Error error);
  void forget_login(Connection connection, Entry& entry);

  // accounts_accepting.cpp
  void take_first(Connection connection, Entry& entry, std::string_view text);
  [[nodiscard]] std::string_view obstacle(Connection connection, Entry& entry,
                                          std::string_view text);
  void look_up(Connection connection, Entry& entry, Accepting::Stage stage);
  void take_account(Connection connection, Entry& entry, Result<StoredUser> found);
  void challenge(Connection connection, Entry& entry);
  void take_proof(Connection connection, Entry& entry, std::string_view text);
  void decide(Connection connection, Entry& entry, const StoredUser& account);
  [[nodiscard]] Disposition take_logged_in(Connection connection);
  void let_in(Connection connection, Entry& entry);
  void refuse(Connection connection, Entry& entry, std::string_view error);
  void refuse_lost(Connection connection, Entry& entry);
  void report_database(const Error& error);

  const AccountsOptions options_;
  Host* host_ = nullptr;
  // Derivations take long, and nobody who logs in here shall wait for one.
  std::unique_ptr<Workers> derivations_;
  std::unique_ptr<Workers> look_ups_;
  Tries tries_;
  std::unordered_map<Connection, Entry> entries_;
  std::set<std::pair<TimePoint, Connection>> due_;
  std::unordered_set<MessageId> sent_;  // whose receipts are nobody else's business
  std::unordered_map<Connection, std::deque<LoginWords>> unsaid_;  // they found a full send queue
  std::vector<std::pair<Connection, std::uint64_t>> ended_;        // and in which pass
  std::uint64_t pass_ = 0;
  std::uint64_t last_login_ = 0;
  bool database_fails_ = false;
  AccountsStats stats_;
};

/// Nobody has it before, and nobody can foretell it. Nothing: the system has no random numbers.
[[nodiscard]] std::optional<std::string> make_nonce();

}  // namespace tickwire::detail
