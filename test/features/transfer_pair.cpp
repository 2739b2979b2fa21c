// SPDX-License-Identifier: MIT
#include "test/features/transfer_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>

#include "lib/platform/random.hpp"
#include "test/support/why.hpp"

namespace tickwire::test {
namespace {

std::filesystem::path unused_folder() {
  std::uint64_t number = 0;
  REQUIRE(detail::fill_random(std::as_writable_bytes(std::span(&number, 1))));
  return std::filesystem::temp_directory_path() / ("tickwire test " + std::to_string(number));
}

const Told* find_end(const LoggedHost& host, TransferId id) {
  for (const Told& told : host.log.all())
    if (told.type == EventType::transfer_finished && told.id == id) return &told;
  return nullptr;
}

const Error& end_of(const LoggedHost& host, TransferId id) {
  const Told* const told = find_end(host, id);
  REQUIRE(told != nullptr);
  return told->error;
}

}  // namespace

ScratchFolder::ScratchFolder() : path_(unused_folder()) {
  std::filesystem::create_directory(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  std::filesystem::remove_all(path_, error);
}

std::filesystem::path ScratchFolder::write(std::string_view name, std::string_view text) const {
  std::ofstream file(path_ / name, std::ios::binary);
  file << text;
  file.close();
  REQUIRE(file);
  return path_ / name;
}

std::vector<std::string> ScratchFolder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

crypto::Sha256Digest checksum_of(std::span<const std::byte> bytes) {
  detail::TransferChecksum sum;
  sum.update(bytes);
  return sum.digest();
}

TransferOptions in_small_steps() {
  TransferOptions options;
  options.chunk_bytes = 16 * 1024;
  options.window_bytes = 64 * 1024;
  return options;
}

TransferPair::TransferPair(const Scheme& scheme, PairOptions options,
                           const TransferOptions& sender_options,
                           const TransferOptions& receiver_options)
    : pair(scheme, std::move(options)), sender(sender_options), receiver(receiver_options) {
  pair.client->attach(sender);
  pair.server->attach(receiver);
  pair.connect();
}

bool TransferPair::until(const std::function<bool()>& holds) {
  return pair.until(holds, std::chrono::milliseconds(1), std::chrono::hours(24));
}

TransferId TransferPair::wait_offered(const Result<TransferId>& offered) {
  REQUIRE_MESSAGE(offered, test::why(offered));
  sent = *offered;
  const std::size_t before = pair.server.log.count(EventType::transfer_offered);
  REQUIRE(until([&] { return pair.server.log.count(EventType::transfer_offered) > before; }));
  received = pair.server.log.last(EventType::transfer_offered).id;
  return received;
}

TransferId TransferPair::offer(const std::filesystem::path& path, const OfferOptions& options) {
  return wait_offered(sender.offer_file(pair.caller, path, options));
}

TransferId TransferPair::offer_text(std::string_view text, std::string_view name) {
  const auto bytes = std::as_bytes(std::span(text));
  return wait_offered(sender.offer_memory(
      pair.caller, std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end()),
      name));
}

void TransferPair::wait_finished() {
  REQUIRE(until([&] {
    return find_end(pair.client, sent) != nullptr && find_end(pair.server, received) != nullptr;
  }));
}

const Error& TransferPair::sent_error() const {
  return end_of(pair.client, sent);
}
const Error& TransferPair::received_error() const {
  return end_of(pair.server, received);
}
ErrorCode TransferPair::sent_result() const {
  return sent_error().code;
}
ErrorCode TransferPair::received_result() const {
  return received_error().code;
}

void TransferPair::reconnect() {
  const std::size_t before = pair.client.log.count(EventType::disconnected);
  const std::size_t there = pair.server.log.count(EventType::disconnected);
  if (pair.scheme.name == "memory") {
    pair.network->sever_all();
  } else {
    pair.caller.close();
  }
  REQUIRE(until([&] {
    return pair.client.log.count(EventType::disconnected) > before &&
           pair.server.log.count(EventType::disconnected) > there;
  }));
  pair.connect();
}

}  // namespace tickwire::test
