// SPDX-License-Identifier: MIT
#include "lib/features/accounts/accounts_core.hpp"

#include <array>
#include <iterator>
#include <utility>

#include "lib/crypto/base64.hpp"
#include "lib/platform/random.hpp"

/// Events and deadlines.
namespace tickwire::detail {
namespace {

constexpr std::size_t kNonceBytes = 18;  // 24 letters of base64
// With what the codec puts around the text.
constexpr std::size_t kMaxMessageBytes = kMaxScramBytes + 64;
// Of one connection. A correct other end asks its next question after an answer.
constexpr std::size_t kMostUnsaid = 16;

}  // namespace

std::optional<std::string> make_nonce() {
  std::array<std::byte, kNonceBytes> bytes{};
  if (!fill_random(bytes)) return std::nullopt;
  return crypto::to_base64(bytes);
}

void AccountsCore::attach(Host& host) {
  host_ = &host;
  derivations_ = std::make_unique<Workers>(host);
  look_ups_ = std::make_unique<Workers>(host, WorkersOptions{.threads = 1});
}

void AccountsCore::detach() {
  derivations_.reset();
  look_ups_.reset();
  entries_.clear();
  due_.clear();
  sent_.clear();
  unsaid_.clear();
  ended_.clear();
  host_ = nullptr;
}

TimePoint AccountsCore::now() const noexcept {
  const Clock* clock = host_->config().clock;
  return (clock != nullptr ? *clock : steady_clock()).now();
}

bool AccountsCore::is_wanted(EventType type) const noexcept {
  return host_->config().events.contains(type);
}

// By the scheme, because one that is interrupted has no link, and so is not private at present.
// What is said meanwhile leaves over a link of the same kind.
bool AccountsCore::may_log_in_over(Connection connection) const {
  if (options_.login_over == LoginOver::any_readable_by_others) return true;
  const std::string scheme = connection.address().scheme;
  return connection.is_private() || scheme == "tls" || scheme == "memory";
}

// Whether it has no link at present that a login could be bound to, or go over. Not told by
// `interrupted`, which comes behind all that had arrived before. One that others can read shows no
// difference, and is bound to nothing.
bool AccountsCore::is_cut_off(Connection connection) {
  const std::string scheme = connection.address().scheme;
  if (scheme == "tls") return connection.channel_binding().empty();
  return scheme == "memory" && !connection.is_private();
}

std::string AccountsCore::user(Connection connection) const {
  const auto found = entries_.find(connection);
  return found != entries_.end() ? found->second.user : std::string();
}

std::vector<Connection> AccountsCore::connections_of(std::string_view user) const {
  std::vector<Connection> all;
  for (const auto& [connection, entry] : entries_) {
    if (!entry.user.empty() && entry.user == user && connection.is_open() &&
        connection.direction() == Direction::accepted) {
      all.push_back(connection);
    }
  }
  return all;
}

AccountsCore::Entry* AccountsCore::find(Connection connection, std::uint64_t login) {
  const auto found = entries_.find(connection);
  return found != entries_.end() && found->second.login == login ? &found->second : nullptr;
}

void AccountsCore::set_due(Connection connection, Entry& entry, TimePoint due) {
  if (entry.due != TimePoint::max()) due_.erase({entry.due, connection});
  entry.due = due;
  if (due != TimePoint::max()) due_.emplace(due, connection);
}

// A verdict that is lost leaves two ends which do not agree whether the user is logged in.
void AccountsCore::say(Connection connection, LoginStep step, std::string text) {
  LoginWords words{static_cast<std::uint8_t>(step), std::move(text)};
  const bool is_next = !unsaid_.contains(connection);
  if (is_next && try_to_say(connection, words) != ErrorCode::send_queue_full) return;
  auto& waiting = unsaid_[connection];
  if (waiting.size() < kMostUnsaid) waiting.push_back(std::move(words));
}

// What cannot leave for another reason is missed by the other end's time-out.
ErrorCode AccountsCore::try_to_say(Connection connection, const LoginWords& words) {
  SendOptions options;
  options.delivery = Delivery::reliable;
  const auto sent = host_->send(connection, words, options);
  if (!sent) return sent.error().code;
  if (is_wanted(EventType::data_sent)) sent_.insert(*sent);
  return ErrorCode::none;
}

void AccountsCore::say_unsaid() {
  for (auto each = unsaid_.begin(); each != unsaid_.end();) {
    auto& [connection, waiting] = *each;
    while (!waiting.empty() &&
           try_to_say(connection, waiting.front()) != ErrorCode::send_queue_full)
      waiting.pop_front();
    each = waiting.empty() ? unsaid_.erase(each) : std::next(each);
  }
}

Disposition AccountsCore::on_event(Event& event) {
  if (event.is_last) end(event.connection);
  switch (event.type) {
    case EventType::connected:
    case EventType::resumed: {
      const auto found = entries_.find(event.connection);
      if (found != entries_.end() && found->second.dialling) {
        begin(event.connection, found->second);
      }
      return Disposition::pass;
    }
    case EventType::object_received:
      return event.is<LoginWords>() ? take_words(event) : Disposition::pass;
    case EventType::data_sent:
      return sent_.erase(event.message_id) > 0 ? Disposition::consume : Disposition::pass;
    case EventType::logged_in:
      return take_logged_in(event.connection);
    default:
      return Disposition::pass;
  }
}

Disposition AccountsCore::take_words(Event& event) {
  const Connection connection = event.connection;
  const bool is_small = event.bytes().size() <= kMaxMessageBytes;
  const auto words = is_small ? event.as<LoginWords>() : Result<LoginWords>(Error{});
  const auto step = words ? static_cast<LoginStep>(words->step) : LoginStep{};
  if (connection.direction() == Direction::accepted) {
    Entry& entry = entries_[connection];
    if (!entry.accepting) entry.accepting.emplace();
    if (step == LoginStep::client_final && entry.accepting->stage == Accepting::Stage::challenged) {
      take_proof(connection, entry, words->text);
    } else {  // whatever it is, it is a try, and answered as one
      take_first(connection, entry, step == LoginStep::client_first ? words->text : std::string());
    }
    return Disposition::consume;
  }
  const auto found = entries_.find(connection);
  if (found == entries_.end() || !found->second.dialling) {
    ++stats_.malformed;
    return Disposition::consume;
  }
  Entry& entry = found->second;
  if (step == LoginStep::server_final) return take_verdict(entry, event, words->text);
  std::optional<Error> wrong;
  if (step == LoginStep::server_first && entry.dialling->stage == Dialling::Stage::asked) {
    wrong = take_challenge(connection, entry, words->text);
  } else {
    wrong = Error{ErrorCode::protocol_violation, 0, "The other end's words make no sense."};
  }
  if (!wrong) return Disposition::consume;
  if (wrong->code == ErrorCode::protocol_violation) ++stats_.malformed;
  return fail(entry, event, *std::move(wrong));
}

// The message turns into what came of it: an event that is raised instead could come to lie behind
// the connection's end.
Disposition AccountsCore::become(Event& event, EventType type, Error error) {
  if (!is_wanted(type)) return Disposition::consume;
  Event told;
  told.type = type;
  told.connection = event.connection;
  told.error = std::move(error);
  event = std::move(told);
  return Disposition::pass;
}

void AccountsCore::end(Connection connection) {
  const auto found = entries_.find(connection);
  if (found == entries_.end() || found->second.ended) return;
  Entry& entry = found->second;
  set_due(connection, entry, TimePoint::max());
  unsaid_.erase(connection);
  if (entry.dialling) ++stats_.failed_elsewhere;
  entry.dialling.reset();
  entry.accepting.reset();
  entry.login = 0;
  entry.ended = true;
  ended_.emplace_back(connection, pass_);
}

void AccountsCore::on_pass() {
  ++pass_;
  say_unsaid();
  // The name stays readable for as long as the connection's address does.
  std::erase_if(ended_, [&](const auto& each) {
    if (each.second + 2 > pass_) return false;
    entries_.erase(each.first);
    return true;
  });
  if (due_.empty()) return;
  const TimePoint moment = now();
  while (!due_.empty() && due_.begin()->first <= moment) {
    const Connection connection = due_.begin()->second;
    Entry& entry = entries_.at(connection);
    set_due(connection, entry, TimePoint::max());
    run_due(connection, entry);
  }
}

void AccountsCore::run_due(Connection connection, Entry& entry) {
  if (entry.accepting) return challenge(connection, entry);
  if (!entry.dialling) return;
  if (entry.dialling->stage == Dialling::Stage::waiting) {
    // A call may take as long as it likes; but one that has ended unseen is not waited for.
    if (connection.address() == Address()) return end(connection);
    set_due(connection, entry, now() + options_.answer_timeout);
    // `HostConfig::events` may leave `resumed` out.
    if (connection.is_open()) begin(connection, entry);
    return;
  }
  // The answer is kept for the link to come, and then has its time.
  const bool was_cut_off = std::exchange(entry.dialling->is_cut_off, is_cut_off(connection));
  if (was_cut_off || entry.dialling->is_cut_off) {
    return set_due(connection, entry, now() + options_.answer_timeout);
  }
  fail(connection, entry, {ErrorCode::timed_out, 0, "The other end does not answer the login."});
}

}  // namespace tickwire::detail
