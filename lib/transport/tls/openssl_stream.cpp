// SPDX-License-Identifier: MIT
#include "lib/transport/tls/openssl_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits>
#include <string_view>
#include <utility>

#include "lib/transport/tls/certificate_text.hpp"
#include "lib/transport/tls/tls_error.hpp"

namespace tickwire::detail {
namespace {

/// How much a read takes in without getting data out of it (tickets, new keys) before it gives up
/// for now, and how often: more than a full record, or a slow one would not be finished.
constexpr std::size_t kBytesWithoutData = 64u << 10;
constexpr int kPatience = 4;

/// How much is encrypted before it is written.
constexpr std::size_t kGatheredBytes = 128u << 10;
constexpr std::size_t kMostRecordBytes = RecordGatherer::most_bytes + 256;  // RFC 8446, section 5.2

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

Error tls_error(const char* sentence) {
  return {ErrorCode::tls_failed, 0, sentence};
}

/// A host as a certificate names it: without the zone of an IPv6 address or the dot of the root.
std::string plain_host(const std::string& host) {
  if (host.find(':') != std::string::npos) return host.substr(0, host.find('%'));
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

/// Asked before OpenSSL's reader of addresses, some of which stop at the first strange character.
bool may_be_address(const std::string& host) {
  return !host.empty() && (host.find(':') != std::string::npos ||
                           host.find_first_not_of("0123456789.") == std::string::npos);
}

}  // namespace

OpensslStream::OpensslStream(std::shared_ptr<TlsParts> parts, std::unique_ptr<ByteStream> below,
                             const std::string& host, const std::string& resumption_key) {
  const CleanErrorQueue clean;
  const std::string& name = parts->config.server_name;
  called_ = plain_host(name.empty() ? host : name);
  notes_.parts = std::move(parts);
  // A resumed session is not checked for its name again, so nobody resumes one of another name.
  notes_.resumption_key = called_ + ' ' + resumption_key;
  link_.below = std::move(below);
  if (!start() && state_ != State::failed)
    fail({ErrorCode::out_of_resources, 0, "there is no memory for a TLS session"});
}

OpensslStream::~OpensslStream() {
  const CleanErrorQueue clean;
  // Otherwise OpenSSL would bar the session from being resumed, because it was not shut down in
  // both directions.
  if (ssl_ && state_ == State::up)
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
}

bool OpensslStream::start() {
  TlsParts& parts = *notes_.parts;
  ssl_.reset(SSL_new(parts.context.get()));
  OpensslPtr<bio_st> bio = make_stream_bio(*parts.bio_method, link_);
  if (!ssl_ || !bio) return false;
  SSL_set_bio(ssl_.get(), bio.get(), bio.get());
  static_cast<void>(bio.release());
  if (SSL_set_app_data(ssl_.get(), &notes_) != 1) return false;
  if (parts.role == TlsRole::acceptor) {
    SSL_set_accept_state(ssl_.get());
    return true;
  }
  SSL_set_connect_state(ssl_.get());
  if (!call_by_name()) return false;
  const auto session = parts.sessions.take(notes_.resumption_key);
  return !session || SSL_set_session(ssl_.get(), session.get()) == 1;
}

bool OpensslStream::verifies_name() const {
  const TlsParts& parts = *notes_.parts;
  return parts.config.verify == TlsVerification::on && !parts.pinned;
}

bool OpensslStream::call_by_name() {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_.get());
  if (may_be_address(called_) && X509_VERIFY_PARAM_set1_ip_asc(rules, called_.c_str()) == 1)
    return true;
  // A dot in front would make OpenSSL believe any name below.
  const bool is_name = !called_.empty() && called_.front() != '.' && called_.size() <= 253 &&
                       called_.find('\0') == std::string::npos;
  if (is_name && SSL_set_tlsext_host_name(ssl_.get(), called_.c_str()) != 1) return false;
  if (!verifies_name()) return true;
  if (!is_name) {
    fail({ErrorCode::invalid_argument, 0,
          "\"" + called_ + "\" is no host whose certificate could be checked; " +
              "TlsConfig::server_name can name one"});
    return false;
  }
  // A common name is a text for people: what a certificate is for stands in subjectAltName
  // (RFC 9525, section 2).
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(rules, called_.data(), called_.size()) == 1;
}

IoStatus OpensslStream::handshake() {
  const CleanErrorQueue clean;
  if (state_ == State::failed) return IoStatus::failed;
  if (state_ == State::up) return IoStatus::done;
  link_.blocked = false;
  link_.allowance_bytes = kNoLimit;  // OpenSSL has limits of its own for what a handshake takes
  // It changes with each message of the other end, however many steps its bytes come in.
  const OSSL_HANDSHAKE_STATE before = SSL_get_state(ssl_.get());
  const int result = SSL_do_handshake(ssl_.get());
  has_moved_on_ = SSL_get_state(ssl_.get()) != before;
  if (result == 1) return finish_handshake();
  switch (outcome_of(result)) {
    case Outcome::blocked:
    case Outcome::again:  // does not happen: a handshake stops only where the stream below does
      return IoStatus::blocked;
    case Outcome::ended:
      return fail(tls_error("the other end took leave in the middle of the TLS handshake"));
    case Outcome::failed:
      break;
  }
  return fail_by_openssl();
}

IoStatus OpensslStream::finish_handshake() {
  const TlsParts& parts = *notes_.parts;
  if (parts.role == TlsRole::dialler && parts.payload == TlsPayload::tickwire &&
      !speaks_tickwire(*ssl_)) {
    return fail(tls_error("the other end speaks TLS, but has not agreed to tickwire/1 (ALPN)"));
  }
  // A resumed session brings its certificate along without another look at it.
  const x509_st* certificate = proven_certificate();
  if (certificate != nullptr && SSL_session_reused(ssl_.get()) == 1) {
    const int code = date_verdict(*certificate);
    if (code != X509_V_OK)
      return fail(certificate_error(verdict_of(certificate, code, 0), called_));
  }
  state_ = State::up;
  return IoStatus::done;
}

IoResult OpensslStream::read(std::span<std::byte> first, std::span<std::byte> second) {
  unread_news_ = false;
  if (const IoStatus status = handshake(); status != IoStatus::done) return {status, 0};
  if (input_ended_) return {IoStatus::ended, 0};
  const CleanErrorQueue clean;
  starved_ = false;
  std::size_t total = 0;
  int patience = kPatience;
  IoStatus status = IoStatus::done;
  for (const auto piece : {first, second}) {
    if (status == IoStatus::done) status = read_piece(piece, total, patience);
  }
  if (total == 0) return {status == IoStatus::done ? IoStatus::blocked : status, 0};
  if (status == IoStatus::ended || status == IoStatus::failed) unread_news_ = true;
  return {IoStatus::done, total};
}

IoStatus OpensslStream::read_piece(std::span<std::byte> piece, std::size_t& total, int& patience) {
  while (!piece.empty()) {
    std::size_t count = 0;
    link_.blocked = false;
    link_.allowance_bytes = kBytesWithoutData;
    const int result = SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &count);
    if (result == 1) {
      total += count;
      piece = piece.subspan(count);
      continue;
    }
    switch (outcome_of(result)) {
      case Outcome::again:
        if (--patience > 0) continue;
        unread_news_ = true;
        return IoStatus::blocked;
      case Outcome::blocked:
        starved_ = true;
        return IoStatus::blocked;
      case Outcome::ended:
        input_ended_ = true;
        return IoStatus::ended;
      case Outcome::failed:
        return fail_by_openssl();
    }
  }
  return IoStatus::done;
}

IoResult OpensslStream::write(std::span<const std::span<const std::byte>> pieces) {
  if (const IoStatus status = handshake(); status != IoStatus::done) return {status, 0};
  if (output_failed_) return {IoStatus::failed, 0};
  const CleanErrorQueue clean;
  RecordGatherer gatherer(pieces);
  IoResult result{write_held(), 0};
  // What is held may still fail: it counts only when it is gone.
  const auto count_if_gone = [&] {
    if (result.status == IoStatus::done) result.bytes += std::exchange(held_bytes_, 0);
  };
  count_if_gone();
  gatherer.skip(result.bytes);
  while (result.status == IoStatus::done && !gatherer.is_empty()) {
    result.status = encrypt(gatherer);
    count_if_gone();
  }
  if (result.bytes > 0) result.status = IoStatus::done;
  if (result.status == IoStatus::failed) result.status = fail_write();
  return result;
}

// As many records as are worth a system call: each call may have to wake the other end.
IoStatus OpensslStream::encrypt(RecordGatherer& gatherer) {
  std::vector<std::byte>& gathered = notes_.parts->gathered;
  gathered.clear();
  gathered.reserve(kGatheredBytes + kMostRecordBytes);
  link_.gathered = &gathered;
  while (gathered.size() < kGatheredBytes && !gatherer.is_empty()) {
    const auto record = gatherer.next(RecordGatherer::most_bytes);
    std::size_t taken = 0;
    if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &taken) != 1) break;
    gatherer.skip(taken);
    held_bytes_ += taken;
  }
  link_.gathered = nullptr;
  link_.held.swap(gathered);
  return held_bytes_ == 0 ? IoStatus::failed : write_held();
}

// The memory is everybody's again once it is empty.
IoStatus OpensslStream::write_held() {
  const IoStatus status = link_.write_held();
  std::vector<std::byte>& gathered = notes_.parts->gathered;
  if (status == IoStatus::done && gathered.capacity() == 0) gathered.swap(link_.held);
  if (status == IoStatus::done) link_.held = {};
  return status;
}

IoStatus OpensslStream::shut_down() {
  const CleanErrorQueue clean;
  if (state_ == State::failed || output_failed_) return IoStatus::failed;
  // Behind half a record nothing can be said, so the other end will see a truncated stream.
  if (state_ == State::up && !close_notify_sent_ && write_held() == IoStatus::done) {
    link_.blocked = false;
    const int result = SSL_shutdown(ssl_.get());
    if (result < 0)
      return outcome_of(result) == Outcome::blocked ? IoStatus::blocked : fail_write();
    close_notify_sent_ = true;
  }
  const IoStatus status = link_.below->shut_down();
  if (status == IoStatus::blocked) link_.awaits = link_.below->awaits();
  if (status == IoStatus::failed) fail(link_.below->failure());
  return status;
}

bool OpensslStream::has_buffered_input() const noexcept {
  if (unread_news_) return true;
  if (state_ != State::up || input_ended_ || starved_) return false;
  return SSL_has_pending(ssl_.get()) == 1 || link_.below->has_buffered_input();
}

std::string OpensslStream::verified_subject() const {
  const CleanErrorQueue clean;
  const x509_st* certificate = state_ == State::up ? proven_certificate() : nullptr;
  return certificate != nullptr ? subject_text(*certificate) : std::string();
}

std::vector<std::byte> OpensslStream::channel_binding() const {
  constexpr std::string_view label = "EXPORTER-Channel-Binding";
  constexpr std::size_t binding_bytes = 32;
  if (state_ != State::up) return {};
  const CleanErrorQueue clean;
  std::vector<std::byte> binding(binding_bytes);
  const int answer =
      SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(binding.data()),
                                 binding.size(), label.data(), label.size(), nullptr, 0, 0);
  if (answer != 1) binding.clear();
  return binding;
}

const x509_st* OpensslStream::proven_certificate() const {
  if (notes_.parts->config.verify != TlsVerification::on) return nullptr;
  if (SSL_get_verify_result(ssl_.get()) != X509_V_OK) return nullptr;
  return SSL_get0_peer_certificate(ssl_.get());
}

OpensslStream::Outcome OpensslStream::outcome_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return link_.blocked ? Outcome::blocked : Outcome::again;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::ended;
    default:
      return Outcome::failed;
  }
}

IoStatus OpensslStream::fail(Error error) {
  if (state_ != State::failed) failure_ = std::move(error);
  state_ = State::failed;
  return IoStatus::failed;
}

IoStatus OpensslStream::fail_by_openssl() {
  if (link_.not_tls)
    return fail(not_tls_error(std::string_view(link_.first_bytes.data(), link_.first_count)));
  if (ERR_peek_error() != 0) return fail(queued_error());
  if (link_.failed) return fail(link_.below->failure());
  if (link_.ended) return fail(end_error());
  return fail(tls_error("TLS failed, and OpenSSL does not say why"));
}

IoStatus OpensslStream::fail_write() {
  if (ERR_peek_error() != 0) return fail_by_openssl();
  // The stream below has failed. If the other end has said why (in TLS 1.3 that is how a dialler
  // learns that its certificate was refused), its alert may have come already.
  output_failed_ = true;
  failure_ = link_.below->failure();
  link_.allowance_bytes = kBytesWithoutData;
  char byte = 0;
  std::size_t count = 0;
  if (SSL_peek_ex(ssl_.get(), &byte, 1, &count) != 1 && ERR_peek_error() != 0) fail_by_openssl();
  return IoStatus::failed;
}

Error OpensslStream::queued_error() const {
  // Cryptography's own complaints come before that of TLS, which says more.
  const unsigned long oldest = ERR_peek_error();
  unsigned long number = oldest;
  for (unsigned long next = ERR_get_error(); next != 0; next = ERR_get_error()) {
    if (ERR_GET_LIB(next) != ERR_LIB_SSL) continue;
    number = next;
    break;
  }
  const bool is_verdict = ERR_GET_LIB(number) == ERR_LIB_SSL &&
                          ERR_GET_REASON(number) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (is_verdict && notes_.verdict.code != X509_V_OK)
    return certificate_error(notes_.verdict, called_);
  if (notes_.offers_no_application) {
    return {ErrorCode::tls_failed, static_cast<int>(number),
            "the other end speaks TLS, but offers no tickwire/1 (ALPN)"};
  }
  return library_error(number);
}

Error OpensslStream::end_error() const {
  if (state_ == State::up) {
    return {ErrorCode::stream_truncated, 0,
            "the stream ended without the goodbye of TLS (close_notify): it may be cut short"};
  }
  if (link_.first_count > 0)
    return tls_error("the connection ended in the middle of the TLS handshake");
  return {ErrorCode::not_tls, 0,
          "the other end closed the connection without a word of TLS; it speaks none, or has no "
          "room for another connection"};
}

}  // namespace tickwire::detail
