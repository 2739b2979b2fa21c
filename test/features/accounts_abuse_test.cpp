// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/crypto/base64.hpp"
#include "lib/crypto/hmac.hpp"
#include "lib/features/accounts/login_words.hpp"
#include "lib/features/accounts/scram.hpp"
#include "test/features/accounts_rig.hpp"
#include "test/support/why.hpp"

/// Logins against ends that do not keep to the rules.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::LoginStep;
using detail::LoginWords;
using test::AccountsRig;
using test::HostPair;

namespace {

constexpr auto kAny = LoginOver::any_readable_by_others;

/// Sits where an `Accounts` would, writes down what the other end says, and says what it is told.
class Impostor final : public Extension {
 public:
  Disposition on_event(Host&, Event& event) override {
    if (!event.is<LoginWords>()) return Disposition::pass;
    heard.push_back(*event.as<LoginWords>());
    if (when_told) when_told(event.connection, heard.back());
    return Disposition::consume;
  }
  static void say(Connection connection, LoginStep step, std::string text) {
    REQUIRE(connection.send(LoginWords{static_cast<std::uint8_t>(step), std::move(text)}));
  }

  std::vector<LoginWords> heard;
  std::function<void(Connection, const LoginWords&)> when_told;
};

const test::Scheme* tls() {
  const auto all = test::schemes();
  const auto found =
      std::find_if(all.begin(), all.end(), [](const auto& each) { return each.name == "tls"; });
  return found != all.end() ? &*found : nullptr;
}

/// A server with users, and a client that says whatever it likes.
struct BadClient {
  explicit BadClient(const test::Scheme& scheme = test::memory_scheme(), std::size_t tries = 1000,
                     std::shared_ptr<UserDatabase> known = test::few_users(),
                     test::PairOptions hosts = {})
      : users(std::move(known)), here(options(users, tries)), pair(scheme, std::move(hosts)) {
    pair.server->attach(here);
    pair.client->attach(words);
    pair.connect();
  }
  static AccountsOptions options(std::shared_ptr<UserDatabase> users, std::size_t tries) {
    AccountsOptions options = test::test_options(LoginOver::encrypted);
    options.users = std::move(users);
    options.max_tries_per_connection = tries;
    options.max_tries_per_address = 1000;
    options.tries_without_delay = 1000;
    return options;
  }
  /// The server's answer to one message.
  std::string answer(LoginStep step, std::string text) {
    const std::size_t before = words.heard.size();
    Impostor::say(pair.caller, step, std::move(text));
    REQUIRE(pair.until([&] { return words.heard.size() > before; }));
    return words.heard.back().text;
  }
  /// Salt and iterations that a user is told. Then one proof that is wrong, so that the next login
  /// may begin.
  std::string challenge(const std::string& user) {
    const std::string text = answer(LoginStep::client_first, "n,,n=" + user + ",r=abc");
    const std::string proof = crypto::to_base64(crypto::Sha256Digest{});
    CHECK(answer(LoginStep::client_final,
                 "c=biws," + text.substr(0, text.find(',')) + ",p=" + proof) == "e=invalid-proof");
    return text.substr(text.find(",s="));
  }

  /// Ann's right proof, after a beginning and its challenge.
  std::string proof(const std::string& nonce) {
    detail::ScramClient client("ann", {}, nonce);
    const auto challenge = client.read_first(answer(LoginStep::client_first, client.first()));
    REQUIRE(challenge);
    const auto password = std::as_bytes(std::span(std::string_view("tulips")));
    return client.final(crypto::pbkdf2_sha256(password, challenge->salt, challenge->iterations));
  }

  std::shared_ptr<UserDatabase> users;
  Accounts here;
  Impostor words;
  HostPair pair;
};

/// A client, and a server that says whatever it likes.
struct BadServer {
  explicit BadServer(const test::Scheme& scheme = test::memory_scheme(),
                     AccountsOptions options = test::test_options(kAny))
      : there(std::move(options)), pair(scheme) {
    pair.server->attach(words);
    pair.client->attach(there);
    pair.connect();
  }
  /// What a login comes to when the server answers its steps so.
  ErrorCode verdict(const std::function<std::string(const std::string&)>& first,
                    const std::function<std::string()>& final) {
    words.when_told = [&](Connection connection, const LoginWords& heard) {
      if (heard.step == static_cast<std::uint8_t>(LoginStep::client_first)) {
        return Impostor::say(connection, LoginStep::server_first, first(heard.text));
      }
      Impostor::say(connection, LoginStep::server_final, final());
    };
    const std::size_t before = AccountsRig::verdicts(pair.client, pair.caller);
    REQUIRE(there.login(pair.caller, "ann", "tulips"));
    REQUIRE(pair.until([&] { return AccountsRig::verdicts(pair.client, pair.caller) > before; }));
    const auto& told = pair.client.log.all();
    for (auto each = told.rbegin(); each != told.rend(); ++each) {
      if (each->type == EventType::logged_in) return ErrorCode::none;
      if (each->type == EventType::login_failed) return each->error.code;
    }
    return ErrorCode::unknown;
  }

  Accounts there;
  Impostor words;
  HostPair pair;
};

std::string nonce_in(const std::string& client_first) {
  return client_first.substr(client_first.rfind("r="));
}

}  // namespace

TEST_CASE("an unknown user gets a salt of its own, always the same, and the usual iterations") {
  BadClient bad;
  const std::string eve = bad.challenge("eve");
  CHECK(eve == bad.challenge("eve"));
  CHECK(eve != bad.challenge("mallory"));
  CHECK(eve.size() == bad.challenge("ann").size());
  CHECK(eve.ends_with(",i=" + std::to_string(test::kTestIterations)));
  CHECK(bad.here.stats().wrong_password == 4);
}

TEST_CASE("unknown users have the iterations of those who are there, whatever theirs are") {
  const auto folder = std::filesystem::temp_directory_path() / "tickwire-accounts-iterations";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto opened = [&](std::uint32_t iterations) {
    auto users = UserDatabase::open((folder / "users.db").string(),
                                    {.weak_iterations_for_tests = iterations});
    REQUIRE_MESSAGE(users, test::why(users));
    return *users;
  };
  const auto add = [&](std::uint32_t iterations, int count) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(opened(iterations)->add(std::to_string(iterations) + " " + std::to_string(i), "x"));
    }
  };
  {
    BadClient bad(test::memory_scheme(), 1000, opened(7));
    const auto challenges = [&] {
      std::vector<std::string> all;
      for (int i = 0; i < 64; ++i)
        all.push_back(bad.challenge("nobody " + std::to_string(i)));
      return all;
    };
    const auto with = [](const std::vector<std::string>& all, const std::string& iterations) {
      return std::count_if(all.begin(), all.end(),
                           [&](const auto& each) { return each.ends_with(",i=" + iterations); });
    };
    CHECK(with(challenges(), "7") == 64);  // nobody to be like

    // So many that salts, which are random, have no name without the one or the other.
    add(3, 16);
    add(5, 16);
    const auto before = challenges();
    CHECK(with(before, "3") > 0);
    CHECK(with(before, "5") > 0);
    CHECK(with(before, "3") + with(before, "5") == 64);
    CHECK(challenges() == before);

    add(9, 32);
    const auto after = challenges();
    CHECK(with(after, "9") > 0);
    for (std::size_t i = 0; i < after.size(); ++i) {
      const auto salt = [](const std::string& text) { return text.substr(0, text.rfind(",i=")); };
      // As a user whose password was set.
      CHECK((salt(after[i]) == salt(before[i])) == (after[i] == before[i]));
    }
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("messages that make no sense are refused, counted, and end in a closed connection") {
  BadClient bad(test::memory_scheme(), 8);
  CHECK(bad.answer(LoginStep::client_first, "") == "e=other-error");
  CHECK(bad.answer(LoginStep::client_first, "n,,n=ann") == "e=other-error");
  CHECK(bad.answer(LoginStep::client_first, std::string("n,,n=\xff,r=a")) == "e=invalid-encoding");
  CHECK(bad.answer(LoginStep::client_final, "c=biws,r=abc,p=AAAA") == "e=other-error");
  CHECK(bad.answer(LoginStep::server_first, "r=abc,s=c2FsdA==,i=1") == "e=other-error");
  CHECK(bad.answer(LoginStep{99}, "n,,n=ann,r=abc") == "e=other-error");
  CHECK(bad.answer(LoginStep::client_first, std::string(100'000, 'n')) == "e=other-error");
  CHECK(bad.here.stats().malformed == 7);
  CHECK(bad.answer(LoginStep::client_first, "n,,n=ann,r=abc").starts_with("r=abc"));
  CHECK(bad.answer(LoginStep::client_first, "n,,n=ann,r=abc") == "e=too-many-tries");
  REQUIRE(bad.pair.until([&] { return bad.pair.client.log.count(EventType::disconnected) == 1; }));
}

TEST_CASE("a second login while one is under way ends both") {
  BadClient bad;
  Impostor::say(bad.pair.caller, LoginStep::client_first, "n,,n=ann,r=abc");
  CHECK(bad.answer(LoginStep::client_first, "n,,n=bob,r=xyz") == "e=other-error");
  bad.pair.run(50ms);
  CHECK(bad.words.heard.size() == 1);
}

TEST_CASE("proofs are good for one challenge") {
  BadClient bad;
  const auto log_in = [&](const std::string& replayed) {
    const std::string proof = bad.proof("fixednonce");
    const std::string answer =
        bad.answer(LoginStep::client_final, replayed.empty() ? proof : replayed);
    return std::pair(proof, answer);
  };
  HostPair& pair = bad.pair;
  const auto [proof, answer] = log_in("");
  CHECK(answer.starts_with("v="));
  CHECK(bad.answer(LoginStep::client_first, "n,,n=bob,r=abc") == "e=other-error");  // it is in
  pair.connect();
  CHECK(log_in(proof).second == "e=other-error");  // its nonce is an old one
  CHECK(bad.here.user(pair.callee).empty());
}

TEST_CASE("a proof lets nobody in whose account has changed since the login began") {
  BadClient bad;
  const auto last_of = [&](const std::string& nonce, const std::function<void()>& change) {
    const std::string proof = bad.proof(nonce);
    change();
    return bad.answer(LoginStep::client_final, proof);
  };
  UserDatabase& users = *bad.users;
  CHECK(last_of("one", [&] { REQUIRE(users.set_state("ann", UserState::disabled)); }) ==
        "e=account-disabled");
  CHECK(bad.here.stats().disabled == 1);
  CHECK(last_of("two", [&] { REQUIRE(users.set_password("ann", "roses")); }) == "e=invalid-proof");
  REQUIRE(users.set_password("ann", "tulips"));
  CHECK(last_of("three", [&] { REQUIRE(users.remove("ann")); }) == "e=invalid-proof");
  REQUIRE(users.add("ann", "tulips"));
  CHECK(last_of("four", [&] { REQUIRE(users.set_state("ann", UserState::disabled)); }) ==
        "e=account-disabled");
  CHECK(bad.here.stats().wrong_password == 2);
  CHECK(bad.here.stats().logged_in == 0);
  CHECK(bad.pair.server.log.count(EventType::logged_in) == 0);
  CHECK(last_of("five", [&] {
          REQUIRE(users.set_state("ann", UserState::enabled));
        }).starts_with("v="));
  CHECK(bad.here.user(bad.pair.callee) == "ann");
}

TEST_CASE("who says something behind a right proof, or closes, is not let in") {
  BadClient bad;
  HostPair& pair = bad.pair;
  const std::string proof = bad.proof("nonce");
  Impostor::say(pair.caller, LoginStep::client_final, proof);
  SUBCASE("another beginning") {
    CHECK(bad.answer(LoginStep::client_first, "n,,n=bob,r=xyz") == "e=other-error");
  }
  SUBCASE("the proof again") {
    CHECK(bad.answer(LoginStep::client_final, proof) == "e=other-error");
  }
  SUBCASE("goodbye") {
    REQUIRE(pair.caller.close() == ErrorCode::none);
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  }
  // Longer than it takes the database.
  pair.run(50ms);
  CHECK(bad.here.stats().logged_in == 0);
  CHECK(bad.here.user(pair.callee).empty());
  CHECK(pair.server.log.count(EventType::logged_in) == 0);
}

// The user has been found when the end lies in front of the event that would say so.
TEST_CASE("nobody is logged in behind the end of his connection") {
  test::PairOptions options;
  options.server.max_events_per_pass = 1;
  BadClient bad(test::memory_scheme(), 10, test::few_users(), options);
  HostPair& pair = bad.pair;
  const std::string proof = bad.proof("nonce");
  pair.run(20ms);
  Impostor::say(pair.caller, LoginStep::client_final, proof);
  REQUIRE(pair.caller.close() == ErrorCode::none);
  for (int i = 0; i < 20; ++i) {
    pair.step();
    std::this_thread::sleep_for(5ms);  // for the database, which has a thread of its own
  }
  CHECK(pair.server.log.count(EventType::disconnected) == 1);
  CHECK(pair.server.log.count(EventType::logged_in) == 0);
  CHECK(bad.here.stats().logged_in == 0);
}

TEST_CASE("random words neither log in nor break anything") {
  const std::vector<std::string> parts = {
      "n",   "y",   "p=tls-exporter", ",", ",,",     "n=ann", "r=abc",
      "a=x", "m=x", "c=biws",         "=", "p=AAAA", "\xff",  "i=1"};
  for (const unsigned seed : {1u, 2u, 3u}) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    BadClient bad(test::memory_scheme(), 100'000);
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (unsigned j = random() % 8; j > 0; --j)
        text += parts[random() % parts.size()];
      Impostor::say(bad.pair.caller, static_cast<LoginStep>(random() % 6), text);
      if (i % 10 == 0) bad.pair.step();
    }
    bad.pair.run(100ms);
    CHECK(bad.here.stats().logged_in == 0);
    CHECK(bad.pair.caller.is_open());
  }
}

TEST_CASE("a verdict that finds a full send queue waits for room") {
  test::PairOptions options;
  options.server.limits.max_send_queue_bytes = 10'000;
  options.server.limits.max_message_bytes = 9'000;
  options.client.limits.receive_window_bytes = 128 * 1024;
  AccountsRig rig(test::memory_scheme(), test::test_options(kAny), test::test_options(kAny),
                  std::move(options));
  HostPair& pair = rig.pair;
  Impostor words;  // proves itself by hand, so that there is time in between
  pair.client->detach(rig.there);
  pair.client->attach(words);
  pair.connect();
  detail::ScramClient client("ann", {}, "nonce");
  Impostor::say(pair.caller, LoginStep::client_first, client.first());
  REQUIRE(pair.until([&] { return words.heard.size() == 1; }));
  const auto challenge = client.read_first(words.heard.front().text);
  REQUIRE(challenge);
  REQUIRE(pair.client->set_receiving(pair.caller, Receiving::paused) == ErrorCode::none);
  Impostor::say(
      pair.caller, LoginStep::client_final,
      client.final(crypto::pbkdf2_sha256(std::as_bytes(std::span(std::string_view("tulips"))),
                                         challenge->salt, challenge->iterations)));
  REQUIRE(pair.until([&] {
    while (test::send_text(pair.callee, "x")) {
    }
    return pair.server.log.count(EventType::logged_in) == 1;
  }));
  REQUIRE(pair.client->set_receiving(pair.caller, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.until([&] { return words.heard.size() == 2; }));
  CHECK(client.read_final(words.heard.back().text) == detail::ScramClient::Verdict::proven);
}

TEST_CASE("a server that does not know the password is found out, and left") {
  BadServer bad;
  const auto first = [](const std::string& text) { return nonce_in(text) + "more,s=c2FsdA==,i=3"; };
  CHECK(bad.verdict(first, [] { return "v=" + crypto::to_base64(crypto::sha256({})); }) ==
        ErrorCode::server_not_proven);
  CHECK(bad.there.user(bad.pair.caller).empty());
  REQUIRE(bad.pair.until([&] { return bad.pair.client.log.count(EventType::disconnected) == 1; }));
}

TEST_CASE("a server that says nonsense fails the login and no more") {
  BadServer bad;
  const auto good = [](const std::string& text) { return nonce_in(text) + "more,s=c2FsdA==,i=3"; };
  const auto fails = [&](const std::string& first) {
    return bad.verdict([&](const std::string&) { return first; }, [] { return ""; });
  };
  CHECK(fails("") == ErrorCode::protocol_violation);
  CHECK(fails("r=wrong,s=c2FsdA==,i=3") == ErrorCode::protocol_violation);
  CHECK(bad.verdict([](const std::string& text) { return nonce_in(text) + ",s=c2FsdA==,i=3"; },
                    [] { return ""; }) == ErrorCode::protocol_violation);
  CHECK(bad.verdict(good, [] { return ""; }) == ErrorCode::protocol_violation);
  CHECK(bad.verdict(good, [] { return "e=unknown-user"; }) == ErrorCode::login_failed);
  CHECK(bad.verdict(good, [] { return "e=no-resources"; }) == ErrorCode::login_unavailable);
  CHECK(bad.verdict(good, [] { return "e=something-new"; }) == ErrorCode::protocol_violation);
  CHECK(bad.pair.caller.is_open());
  // A verdict that nobody waits for.
  Impostor::say(bad.pair.callee, LoginStep::server_final, "v=AAAA");
  bad.pair.run(20ms);
  CHECK(bad.there.user(bad.pair.caller).empty());
  CHECK(bad.there.stats().malformed > 0);
}

TEST_CASE("a server that says yes before it has seen a proof is not believed") {
  BadServer bad;
  bad.words.when_told = [](Connection connection, const LoginWords&) {
    Impostor::say(connection, LoginStep::server_final,
                  "v=" + crypto::to_base64(crypto::Sha256Digest{}));
  };
  REQUIRE(bad.there.login(bad.pair.caller, "ann", "tulips"));
  REQUIRE(bad.pair.until([&] { return bad.pair.client.log.count(EventType::login_failed) == 1; }));
  CHECK(bad.there.user(bad.pair.caller).empty());
}

TEST_CASE("a server may ask for neither too few iterations nor too many") {
  AccountsOptions options = test::test_options(kAny);
  options.min_iterations = 10;
  options.max_iterations = 20;
  const std::vector<std::pair<std::string, ErrorCode>> all = {
      {"9", ErrorCode::server_not_proven},
      {"21", ErrorCode::server_not_proven},
      {"4294967295", ErrorCode::server_not_proven},
      {"10", ErrorCode::login_failed},
      {"20", ErrorCode::login_failed}};
  for (const auto& each : all) {
    INFO(each.first);
    BadServer bad(test::memory_scheme(), options);
    const auto first = [&](const std::string& text) {
      return nonce_in(text) + "more,s=c2FsdA==,i=" + each.first;
    };
    CHECK(bad.verdict(first, [] { return "e=invalid-proof"; }) == each.second);
  }
}

TEST_CASE("over TLS a login is bound to the session, and one that is not is refused") {
  if (tls() == nullptr) return;
  BadServer listening(*tls());
  static_cast<void>(
      listening.verdict([](const std::string&) { return "e=other-error"; }, [] { return ""; }));
  CHECK(listening.words.heard.at(0).text.starts_with("p=tls-exporter,,n=ann,r="));

  BadClient bad(*tls());
  CHECK(bad.answer(LoginStep::client_first, "n,,n=ann,r=abc") ==
        "e=server-does-support-channel-binding");
  CHECK(bad.answer(LoginStep::client_first, "y,,n=ann,r=abc") ==
        "e=server-does-support-channel-binding");
  CHECK(bad.answer(LoginStep::client_first, "p=tls-unique,,n=ann,r=abc") ==
        "e=unsupported-channel-binding-type");
  CHECK(bad.here.stats().binding_refused == 3);
  BadClient plain;
  CHECK(plain.answer(LoginStep::client_first, "p=tls-exporter,,n=ann,r=abc") ==
        "e=channel-binding-not-supported");
}

TEST_CASE("both ends of a TLS session have the same binding, and no two sessions have") {
  if (tls() == nullptr) return;
  HostPair pair(*tls());
  pair.connect();
  const auto one = pair.caller.channel_binding();
  CHECK(one.size() == 32);
  CHECK(one == pair.callee.channel_binding());
  pair.connect();
  CHECK(pair.caller.channel_binding() == pair.callee.channel_binding());
  CHECK(pair.caller.channel_binding() != one);
  CHECK(Connection().channel_binding().empty());
  HostPair plain(test::memory_scheme());
  plain.connect();
  CHECK(plain.caller.channel_binding().empty());
}

TEST_CASE("somebody in between two TLS sessions cannot pass a login on") {
  if (tls() == nullptr) return;
  AccountsRig rig(*tls(), LoginOver::encrypted);
  // The pair's client is the one in between, and a third host its victim.
  HostPair& pair = rig.pair;
  pair.client->detach(rig.there);
  const auto bait = pair.client->listen("tls://127.0.0.1:0");
  REQUIRE(bait);
  pair.connect();
  auto& victim = pair.add();
  Accounts accounts(test::test_options(LoginOver::encrypted));
  victim->attach(accounts);
  ConnectOptions options;
  options.login = Login{"ann", "tulips"};
  const auto dialled = victim->connect(bait->to_string(), options);
  REQUIRE(dialled);
  Impostor relay;
  Connection trapped;
  relay.when_told = [&](Connection from, const LoginWords& words) {
    if (from != pair.caller) trapped = from;
    const Connection to = from == pair.caller ? trapped : pair.caller;
    Impostor::say(to, static_cast<LoginStep>(words.step), words.text);
  };
  pair.client->attach(relay);
  REQUIRE(pair.until([&] { return victim.log.count(EventType::login_failed) == 1; }));
  CHECK(victim.log.last(EventType::login_failed).error.code == ErrorCode::server_not_proven);
  CHECK(relay.heard.size() == 4);
  CHECK(rig.here.stats().logged_in == 0);
  CHECK(rig.here.stats().binding_refused == 1);
}

TEST_CASE("a database that fails is told to the program once, and the user to come again") {
  const auto folder = std::filesystem::temp_directory_path() / "tickwire-accounts-failing";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string file = (folder / "users.db").string();
  auto users = UserDatabase::open(file, {.weak_iterations_for_tests = 1});
  REQUIRE(users);
  REQUIRE((*users)->add("ann", "tulips"));
  AccountsOptions options = test::test_options(kAny);
  options.max_tries_per_address = 2;  // which these are none of
  AccountsRig rig(test::memory_scheme(), options, options);
  Accounts failing(AccountsRig::with(*users, options));
  rig.pair.server->detach(rig.here);
  rig.pair.server->attach(failing);
  rig.pair.connect();
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &other) == SQLITE_OK);
  const auto run = [&](const char* sql) {
    return sqlite3_exec(other, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  REQUIRE(run("ALTER TABLE users RENAME TO away"));
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::login_unavailable);
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::login_unavailable);
  CHECK(rig.pair.server.log.count(EventType::error) == 1);
  const Error told = rig.pair.server.log.last(EventType::error).error;
  CHECK(told.code == ErrorCode::database_failed);
  CHECK(told.message().find(file) != std::string::npos);
  CHECK(failing.stats().database_failures == 2);
  REQUIRE(run("ALTER TABLE away RENAME TO users"));
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
  sqlite3_close(other);
  rig.pair.server->detach(failing);
  std::filesystem::remove_all(folder);
}

TEST_CASE("many connections at once get no more guesses than one") {
  constexpr std::size_t wanted = 20, allowed = 6;
  AccountsOptions strict = test::test_options(kAny);
  strict.max_tries_per_address = allowed;
  AccountsRig rig(test::memory_scheme(), strict, test::test_options(kAny));
  HostPair& pair = rig.pair;
  pair.client->detach(rig.there);
  Impostor words;
  pair.client->attach(words);
  std::vector<Connection> all;
  for (std::size_t i = 0; i < wanted; ++i)
    all.push_back(pair.connect(pair.client));
  std::unordered_map<Connection, std::string> nonces;
  words.when_told = [&](Connection from, const LoginWords& heard) {
    nonces[from] = heard.text.substr(0, heard.text.find(','));
  };
  for (const Connection each : all)
    Impostor::say(each, LoginStep::client_first, "n,,n=ann,r=abc");
  REQUIRE(pair.until([&] { return nonces.size() == wanted; }, 10ms));
  CHECK(rig.here.stats().delayed == wanted - strict.tries_without_delay);
  std::vector<std::string> answers;
  words.when_told = [&](Connection, const LoginWords& heard) { answers.push_back(heard.text); };
  const std::string proof = crypto::to_base64(crypto::Sha256Digest{});
  for (const Connection each : all)
    Impostor::say(each, LoginStep::client_final, "c=biws," + nonces[each] + ",p=" + proof);
  REQUIRE(pair.until([&] { return answers.size() == wanted; }));
  CHECK(std::count(answers.begin(), answers.end(), "e=invalid-proof") == allowed);
  CHECK(std::count(answers.begin(), answers.end(), "e=too-many-tries") == wanted - allowed);
  CHECK(rig.here.stats().wrong_password == allowed);
}
