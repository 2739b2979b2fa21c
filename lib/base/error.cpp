// SPDX-License-Identifier: MIT
#include <tickwire/error.hpp>

namespace tickwire {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::none:
      return "no error";
    case ErrorCode::not_connected:
      return "not connected";
    case ErrorCode::invalid_argument:
      return "invalid argument";
    case ErrorCode::invalid_address:
      return "invalid address";
    case ErrorCode::unknown_scheme:
      return "unknown scheme";
    case ErrorCode::message_too_large:
      return "message too large";
    case ErrorCode::send_queue_full:
      return "send queue full";
    case ErrorCode::too_many_connections:
      return "too many connections";
    case ErrorCode::no_such_channel:
      return "no such channel";
    case ErrorCode::reentrant_call:
      return "call made from inside a callback";
    case ErrorCode::not_supported:
      return "not supported";
    case ErrorCode::encode_failed:
      return "object could not be encoded";
    case ErrorCode::wrong_type:
      return "wrong type";
    case ErrorCode::timed_out:
      return "timed out";
    case ErrorCode::queue_full:
      return "queue full";
    case ErrorCode::not_private:
      return "connection not private";
    case ErrorCode::user_exists:
      return "user exists already";
    case ErrorCode::no_such_user:
      return "no such user";
    case ErrorCode::too_many_transfers:
      return "too many transfers";
    case ErrorCode::file_exists:
      return "file exists already";
    case ErrorCode::address_in_use:
      return "address in use";
    case ErrorCode::address_unavailable:
      return "address unavailable";
    case ErrorCode::name_not_resolved:
      return "host name not resolved";
    case ErrorCode::out_of_resources:
      return "out of resources";
    case ErrorCode::socket_failed:
      return "socket failed";
    case ErrorCode::file_unreadable:
      return "file unreadable";
    case ErrorCode::clock_mismatch:
      return "clock mismatch";
    case ErrorCode::certificate_unusable:
      return "certificate or key unusable";
    case ErrorCode::certificate_key_mismatch:
      return "private key does not match the certificate";
    case ErrorCode::file_unwritable:
      return "file unwritable";
    case ErrorCode::database_failed:
      return "database failed";
    case ErrorCode::disk_full:
      return "disk full";
    case ErrorCode::file_changed:
      return "file changed while being sent";
    case ErrorCode::connect_timed_out:
      return "connect timed out";
    case ErrorCode::connection_refused:
      return "connection refused";
    case ErrorCode::connection_lost:
      return "connection lost";
    case ErrorCode::connection_reset:
      return "connection reset";
    case ErrorCode::closed_by_peer:
      return "closed by the remote end";
    case ErrorCode::closed_locally:
      return "closed by this program";
    case ErrorCode::server_full:
      return "server full";
    case ErrorCode::handshake_timed_out:
      return "handshake timed out";
    case ErrorCode::stream_truncated:
      return "stream truncated";
    case ErrorCode::not_resumable:
      return "not resumable";
    case ErrorCode::login_unavailable:
      return "login unavailable";
    case ErrorCode::transfer_refused:
      return "transfer refused";
    case ErrorCode::transfer_cancelled:
      return "transfer cancelled";
    case ErrorCode::transfer_failed:
      return "transfer failed at the other end";
    case ErrorCode::protocol_violation:
      return "protocol violation";
    case ErrorCode::version_mismatch:
      return "version mismatch";
    case ErrorCode::application_mismatch:
      return "application mismatch";
    case ErrorCode::schema_mismatch:
      return "schema mismatch";
    case ErrorCode::refused_by_application:
      return "refused by the remote program";
    case ErrorCode::unsupported_extension:
      return "unsupported extension";
    case ErrorCode::malformed_object:
      return "malformed object";
    case ErrorCode::budget_exceeded:
      return "decode budget exceeded";
    case ErrorCode::certificate_expired:
      return "certificate expired";
    case ErrorCode::certificate_wrong_host:
      return "certificate for another host";
    case ErrorCode::certificate_untrusted:
      return "certificate not trusted";
    case ErrorCode::certificate_rejected:
      return "certificate rejected by the remote end";
    case ErrorCode::not_tls:
      return "the remote end speaks no TLS";
    case ErrorCode::tls_failed:
      return "TLS failed";
    case ErrorCode::filter_mismatch:
      return "filter mismatch";
    case ErrorCode::exception_thrown:
      return "exception thrown";
    case ErrorCode::listener_lost:
      return "listening address lost";
    case ErrorCode::login_failed:
      return "wrong name or password";
    case ErrorCode::account_disabled:
      return "account disabled";
    case ErrorCode::too_many_tries:
      return "too many tries to log in";
    case ErrorCode::server_not_proven:
      return "the remote end has not proved who it is";
    case ErrorCode::checksum_mismatch:
      return "checksum does not match";
    case ErrorCode::unknown:
      return "unknown error";
  }
  return "unknown error";
}

std::string Error::message() const {
  return detail.empty() ? std::string(to_string(code)) : detail;
}

}  // namespace tickwire
