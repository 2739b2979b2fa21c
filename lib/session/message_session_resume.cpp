// SPDX-License-Identifier: MIT
#include <utility>

#include "lib/session/message_session.hpp"

/// How a session outlives its link.
namespace tickwire::detail {

// Adds what this end has to say about coming back: the dialler that it would, the acceptor a token.
void MessageSession::offer_resume(ResumeWords& words) {
  if (!settings_->timeouts.resume_window) return;
  if (!link_.is_private && settings_->resume_over != ResumeOver::any) return;
  if (is_dialled()) {
    words.asks = true;
    if (resumption_) words.token = resumption_->token;
    return;
  }
  words.token = make_token();
  if (words.token && !resumption_) agree_to_resume(*words.token);
}

std::optional<ResumeToken> MessageSession::make_token() const {
  ResumeToken token;
  if (!settings_->random || !settings_->random(token.bytes)) return std::nullopt;
  store(token.bytes.data(), slot_);
  return token;
}

void MessageSession::agree_to_resume(const ResumeToken& token) {
  resumption_ = std::make_unique<Resumption>();
  resumption_->token = token;
  outbox_.keep_sent(link_);
}

void MessageSession::lose(Error error, TimePoint now) {
  if (state_ == SessionState::open && resumption_) {
    return interrupt(std::move(error), now, Resumption::Stage::dead);
  }
  link_down(std::move(error), now);
}

void MessageSession::interrupt(Error error, TimePoint now, Resumption::Stage stage) {
  state_ = SessionState::interrupted;
  resumption_->stage = stage;
  resumption_->until = now + *settings_->timeouts.resume_window;
  resumption_->why = error;
  inbox_.drop_unfinished();
  ++stats_.interruptions;
  note(EventType::interrupted, std::move(error));
}

bool MessageSession::gives_up_link() noexcept {
  if (state_ != SessionState::interrupted || resumption_->stage != Resumption::Stage::dead) {
    return false;
  }
  resumption_->stage = Resumption::Stage::away;
  return true;
}

bool MessageSession::wants_call() const noexcept {
  return is_dialled() && state_ == SessionState::interrupted &&
         resumption_->stage == Resumption::Stage::away;
}

const ResumeWords* MessageSession::asks_to_resume() const noexcept {
  const bool asks = state_ == SessionState::greeting && opening_ && opening_->asks_to_resume.point;
  return asks ? &opening_->asks_to_resume : nullptr;
}

bool MessageSession::knows(const ResumeToken& token) const noexcept {
  if (!resumption_ || !is_open() || is_dialled()) return false;
  // The new one may have been lost on its way.
  return resumption_->token.matches(token) ||
         (resumption_->next && resumption_->next->matches(token));
}

void MessageSession::resume(const ResumeWords& words, const LinkTraits& traits, TimePoint now) {
  if (state_ == SessionState::open) {
    // The other end noticed first.
    interrupt({ErrorCode::connection_lost, 0, "The other end came back over another link."}, now,
              Resumption::Stage::away);
  }
  if (!outbox_.fits(traits)) return refuse_return();
  use_link(traits);
  ResumeWords answer;
  offer_resume(answer);
  if (!answer.token) return finish(resumption_->why);
  // It shows the newer token: that has arrived, and is all that it has.
  if (resumption_->next && resumption_->next->matches(*words.token)) {
    resumption_->token = *resumption_->next;
  }
  resumption_->next = answer.token;
  answer.point = rewind_inbox();
  if (!outbox_.rewind(*words.point)) return violate("a claim to have what was never sent");
  resumption_->stage = Resumption::Stage::welcoming;
  greet_again(wire::Kind::welcome, answer);
}

// What is kept is in packets that the new link does not take.
void MessageSession::refuse_return() {
  finish(resumption_->why);
  opening_ = std::make_unique<Opening>();
  opening_->refusal = Refusal{ErrorCode::not_resumable,    wire::kVersion,         wire::kVersion,
                              settings_->self.application, settings_->self.schema, {}};
}

ResumePoint MessageSession::rewind_inbox() {
  inbox_.return_credit(take_released_credit());
  return inbox_.rewind();
}

void MessageSession::greet_again(wire::Kind kind, const ResumeWords& words) {
  HandshakeSelf self = settings_->self;
  self.name = name_;
  opening_ = std::make_unique<Opening>();
  opening_->greeting_kind = kind;
  opening_->greeting =
      kind == wire::Kind::hello ? encode_hello(self, words) : encode_welcome(self, words);
  owes_ready_ = false;
}

void MessageSession::take_welcome_back(const Welcome& welcome, TimePoint now) {
  if (!welcome.resume.point || !welcome.resume.token) return violate("a welcome to somebody else");
  if (!outbox_.rewind(*welcome.resume.point)) {
    return violate("a claim to have what was never sent");
  }
  resumption_->next = welcome.resume.token;
  opening_ = std::make_unique<Opening>();
  owes_ready_ = true;
  become_resumed(now);
}

void MessageSession::become_resumed(TimePoint now) {
  state_ = SessionState::open;
  resumption_->token = *std::exchange(resumption_->next, std::nullopt);
  heard_at_ = now;
  acknowledge_at_ = kNever;
  echo_.reset();
  send_ping(now);
  note(EventType::resumed);
}

bool MessageSession::takes_greeting() const noexcept {
  return state_ == SessionState::greeting ||
         (state_ == SessionState::interrupted && resumption_->stage == Resumption::Stage::greeting);
}

bool MessageSession::is_welcoming_back() const noexcept {
  return state_ == SessionState::interrupted && resumption_->stage == Resumption::Stage::welcoming;
}

void MessageSession::note(EventType type, Error error) {
  resumption_->notices.push_back({type, inbox_.arrivals(), std::move(error)});
}

bool MessageSession::has_notice() const noexcept {
  return resumption_ && !resumption_->notices.empty();
}

}  // namespace tickwire::detail
