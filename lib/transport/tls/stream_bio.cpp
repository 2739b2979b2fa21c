// SPDX-License-Identifier: MIT
#include "lib/transport/tls/stream_bio.hpp"

#include <openssl/bio.h>

#include <algorithm>

namespace tickwire::detail {
namespace {

BelowLink& link_of(BIO* bio) {
  return *static_cast<BelowLink*>(BIO_get_data(bio));
}

/// A record of TLS begins with its type (a handshake or an alert, at first) and a 3.
///
/// Asked here, because OpenSSL waits for five bytes before it looks, and then answers with an alert
/// that a peer without TLS would take for data.
bool begins_as_tls(BelowLink& link, std::span<const std::byte> bytes) {
  constexpr char handshake = 22;
  constexpr char alert = 21;
  const std::size_t room = link.first_bytes.size() - link.first_count;
  for (const std::byte byte : bytes.first(std::min(bytes.size(), room)))
    link.first_bytes[link.first_count++] = static_cast<char>(byte);
  const char type = link.first_bytes[0];
  return (type == handshake || type == alert) && (link.first_count < 2 || link.first_bytes[1] == 3);
}

/// OpenSSL's answer for a call that moved nothing.
int nothing_moved(BIO* bio, BelowLink& link, IoStatus status, int retry_flag) {
  switch (status) {
    case IoStatus::done:  // with 0 bytes; no stream should say so
    case IoStatus::blocked:
      link.blocked = true;
      link.awaits = link.below->awaits();
      BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
      return -1;
    case IoStatus::ended:
      link.ended = true;
      return 0;
    case IoStatus::failed:
      link.failed = true;
      return -1;
  }
  return -1;
}

int read_bio(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  if (buffer == nullptr || size <= 0) return 0;
  BelowLink& link = link_of(bio);
  if (link.not_tls) return -1;
  if (link.allowance_bytes == 0) {
    BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    return -1;
  }
  const std::size_t most = std::min(static_cast<std::size_t>(size), link.allowance_bytes);
  const auto into = std::as_writable_bytes(std::span(buffer, most));
  const IoResult result = link.below->read(into, {});
  if (result.status != IoStatus::done || result.bytes == 0)
    return nothing_moved(bio, link, result.status, BIO_FLAGS_READ);
  link.allowance_bytes -= result.bytes;
  if (link.first_count < link.first_bytes.size() &&
      !begins_as_tls(link, into.first(result.bytes))) {
    link.not_tls = true;
    return -1;
  }
  return static_cast<int>(result.bytes);
}

int write_bio(BIO* bio, const char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  if (buffer == nullptr || size <= 0) return 0;
  BelowLink& link = link_of(bio);
  const auto bytes = std::as_bytes(std::span(buffer, static_cast<std::size_t>(size)));
  if (link.gathered != nullptr) {
    link.gathered->insert(link.gathered->end(), bytes.begin(), bytes.end());
    return size;
  }
  if (const IoStatus status = link.write_held(); status != IoStatus::done)
    return nothing_moved(bio, link, status, BIO_FLAGS_WRITE);
  const IoResult result = link.below->write(std::span(&bytes, 1));
  if (result.status != IoStatus::done || result.bytes == 0)
    return nothing_moved(bio, link, result.status, BIO_FLAGS_WRITE);
  return static_cast<int>(result.bytes);
}

/// Nothing is held back, so a flush is always done. The end of the stream is not told to OpenSSL,
/// which would answer it with an alert; the link knows it.
long control_bio(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int create_bio(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

}  // namespace

IoStatus BelowLink::write_held() {
  while (held_gone < held.size()) {
    const auto rest = std::span<const std::byte>(held).subspan(held_gone);
    const IoResult result = below->write(std::span(&rest, 1));
    held_gone += result.bytes;
    if (result.status == IoStatus::failed) return result.status;
    if (result.status == IoStatus::done && result.bytes != 0) continue;
    awaits = below->awaits();
    return IoStatus::blocked;
  }
  held.clear();
  held_gone = 0;
  return IoStatus::done;
}

OpensslPtr<bio_method_st> make_stream_bio_method() {
  // No number of its own: a process has few of those, and a program may load many contexts.
  OpensslPtr<bio_method_st> method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tickwire stream"));
  if (!method) return method;
  BIO_meth_set_create(method.get(), create_bio);
  BIO_meth_set_read(method.get(), read_bio);
  BIO_meth_set_write(method.get(), write_bio);
  BIO_meth_set_ctrl(method.get(), control_bio);
  return method;
}

OpensslPtr<bio_st> make_stream_bio(const bio_method_st& method, BelowLink& link) {
  OpensslPtr<bio_st> bio(BIO_new(&method));
  if (bio) BIO_set_data(bio.get(), &link);
  return bio;
}

}  // namespace tickwire::detail
