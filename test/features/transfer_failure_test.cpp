// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <tickwire/transfer.hpp>

#include "lib/features/transfer/part.hpp"
#include "test/features/transfer_pair.hpp"

/// Files, disks and settings that fail.
using namespace tickwire;
using test::TransferPair;

namespace {

/// Lets this process write no file beyond a size, as a full disk would.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t bytes) {
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    rlimit low = limit_;
    low.rlim_cur = bytes;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int) = nullptr;
};

Error offer_error(TransferPair& files, const std::filesystem::path& path) {
  const auto offered = files.sender.offer_file(files.pair.caller, path);
  REQUIRE_FALSE(offered);
  return offered.error();
}

TEST_CASE("what cannot be read is said at the offer, with its path") {
  TransferPair files;
  CHECK(offer_error(files, files.from / "missing").code == ErrorCode::file_unreadable);
  CHECK(offer_error(files, files.from / "missing").message().find("missing") != std::string::npos);
  CHECK(offer_error(files, files.from.path()).code == ErrorCode::file_unreadable);
  CHECK(offer_error(files, "/dev/null").code == ErrorCode::file_unreadable);
  REQUIRE(::mkfifo((files.from / "pipe").c_str(), 0600) == 0);
  CHECK(offer_error(files, files.from / "pipe").code == ErrorCode::file_unreadable);
  if (::geteuid() != 0) {
    const auto secret = files.from.write("secret", "text");
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    CHECK(offer_error(files, secret).code == ErrorCode::file_unreadable);
  }
  CHECK_FALSE(files.sender.offer_memory(files.pair.caller, nullptr, "nothing"));
  CHECK(files.sender.all().empty());
}

TEST_CASE("where nothing can be written is said at the acceptance, and the offer stands") {
  TransferPair files;
  const auto id = files.offer(files.from.write("a", "text"));
  const auto refused = [&](const std::filesystem::path& target) {
    const auto accepted = files.receiver.accept(id, target, WhenThere::replace);
    REQUIRE_FALSE(accepted);
    CHECK(files.receiver.info(id)->state == TransferState::offered);
    return accepted.error().code;
  };
  CHECK(refused(files.to / "missing/a") == ErrorCode::file_unwritable);
  CHECK(refused(files.to.path()) == ErrorCode::file_exists);
  CHECK(refused(files.to.path() / "") == ErrorCode::invalid_argument);
  CHECK(refused("") == ErrorCode::invalid_argument);
  CHECK(refused("/proc/a") == ErrorCode::file_unwritable);
  CHECK(refused(files.to / std::string(255, 'a')) == ErrorCode::file_unwritable);
  if (::geteuid() != 0) {
    std::filesystem::permissions(
        files.to.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    CHECK(refused(files.to / "a") == ErrorCode::file_unwritable);
    std::filesystem::permissions(files.to.path(), std::filesystem::perms::owner_all);
  }
  CHECK(files.to.names().empty());
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  files.wait_finished();
  CHECK(files.to.names() == std::vector<std::string>{"a"});
}

TEST_CASE("a link in the way of a part is not followed, and a stranger's part not touched") {
  TransferPair files;
  const auto other = files.from.write("other", "precious");
  const auto id = files.offer_text("text", "a");
  SUBCASE("a link where the part would be") {
    std::filesystem::create_symlink(other, files.to / "a.part");
  }
  SUBCASE("a link that leads nowhere") {
    std::filesystem::create_symlink(files.from / "new", files.to / "a.part");
  }
  SUBCASE("a link beside which a state file stands") {
    std::filesystem::create_symlink(other, files.to / "a.part");
    files.to.write("a.part.state", "tickwire part 1\n");
  }
  SUBCASE("a link where the state would be") {
    std::filesystem::create_symlink(other, files.to / "a.part.state");
  }
  SUBCASE("a file of the user") {
    files.to.write("a.part", "of the user");
  }
  CHECK_FALSE(files.receiver.accept(id, files.to / "a"));
  const auto target = files.receiver.accept_into_folder(id, files.to.path());
  if (target) {
    CHECK(*target == files.to / "a (2)");
    files.wait_finished();
  }
  CHECK(test::text_of_file(other) == "precious");
  CHECK_FALSE(std::filesystem::exists(files.from / "new"));
}

TEST_CASE("a full disk ends a transfer at both ends, and the part goes") {
  TransferPair files;
  const auto id = files.offer(files.from.write("a", test::pattern(2'000'000)));
  {
    const FullDisk full(700'000);
    REQUIRE(files.receiver.accept(id, files.to / "a"));
    files.wait_finished();
  }
  CHECK(files.received_result() == ErrorCode::disk_full);
  CHECK(files.received_error().message().find("a.part") != std::string::npos);
  CHECK(files.sent_result() == ErrorCode::transfer_failed);
  CHECK(files.sent_error().message().find(files.to.path().string()) == std::string::npos);
  CHECK(files.to.names().empty());
  // Nothing else is lost: the next one passes.
  const auto again = files.offer(files.from.write("b", "text"));
  REQUIRE(files.receiver.accept(again, files.to / "b"));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
}

TEST_CASE("what the disk did not take is not taken for written") {
  const test::ScratchFolder folder;
  const std::string text = test::pattern(5'000);
  const auto bytes = std::as_bytes(std::span(text));
  auto part =
      detail::TransferPart::open(folder / "a", WhenThere::refuse, {std::string(32, 'k'), 5'000});
  REQUIRE(part);
  bool is_first = false;
  SUBCASE("when it is the last that comes") {
    REQUIRE(part->append(bytes.first(3'000)));
  }
  SUBCASE("when there is room again for what comes behind it") {
    is_first = true;
  }
  {
    const FullDisk full(100);
    const auto refused = is_first ? bytes.first(2'000) : bytes.last(2'000);
    CHECK(part->append(refused).error().code == ErrorCode::disk_full);
  }
  if (is_first) REQUIRE(part->append(bytes.last(3'000)));
  CHECK_FALSE(part->finish(test::checksum_of(bytes)));
  CHECK(folder.names().empty());
}

TEST_CASE("what does not fit on the disk is said at the acceptance") {
  TransferOptions huge;
  huge.max_size_bytes = std::uint64_t{1} << 62;
  TransferPair files(test::memory_scheme(), {}, huge, huge);
  const auto path = files.from.write("a", "");
  if (::truncate(path.c_str(), off_t{1} << 43) != 0) return;  // not every file system has such
  const auto id = files.offer(path);
  const auto accepted = files.receiver.accept(id, files.to / "a");
  REQUIRE_FALSE(accepted);
  CHECK(accepted.error().code == ErrorCode::disk_full);
  CHECK(files.to.names().empty());
}

TEST_CASE("a file that changes while it is sent ends a transfer at both ends, and the part goes") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto path = files.from.write("a", test::pattern(6'000'000));
  const auto id = files.offer(path);
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.receiver.info(id)->done_bytes > 100'000; }));
  SUBCASE("it shrinks") {
    std::filesystem::resize_file(path, 1000);
  }
  SUBCASE("it grows") {
    std::filesystem::resize_file(path, 6'000'001);
  }
  SUBCASE("it is written again") {
    files.from.write("a", test::pattern(6'000'000, 9));
  }
  files.wait_finished();
  CHECK(files.sent_result() == ErrorCode::file_changed);
  CHECK(files.received_result() == ErrorCode::transfer_failed);
  CHECK(files.received_error().message().find("changed") != std::string::npos);
  CHECK(files.to.names().empty());
}

TEST_CASE("limits hold: of offers, of what is accepted, of sizes, of memory") {
  TransferOptions receiver;
  receiver.max_offers = 2;
  receiver.max_accepted = 1;
  receiver.max_size_bytes = 1000;
  TransferOptions sender;
  sender.max_offered = 4;
  TransferPair files(test::memory_scheme(), {}, sender, receiver);
  const auto first = files.offer_text("1");
  const auto second = files.offer_text("2");
  const auto offer = [&](std::size_t bytes) {
    return files.sender.offer_memory(files.pair.caller,
                                     std::make_shared<const std::vector<std::byte>>(bytes), "more");
  };
  REQUIRE(offer(1));
  REQUIRE(offer(1001));
  const auto fifth = offer(1);
  REQUIRE_FALSE(fifth);
  CHECK(fifth.error().code == ErrorCode::too_many_transfers);
  REQUIRE(
      files.until([&] { return files.pair.client.log.count(EventType::transfer_finished) == 2; }));
  CHECK(files.receiver.counters().offers_refused == 2);
  CHECK(files.pair.server.log.count(EventType::transfer_offered) == 2);
  CHECK(files.receiver.accept_to_memory(first, 0).error().code == ErrorCode::budget_exceeded);
  REQUIRE(files.receiver.accept_to_memory(first, 1));
  CHECK(files.receiver.accept_to_memory(second, 1).error().code == ErrorCode::too_many_transfers);
  REQUIRE(files.until([&] { return files.receiver.info(first) == std::nullopt; }));
  CHECK(files.receiver.accept_to_memory(second, 1));
}

TEST_CASE("options that make no sense are named by the first call") {
  TransferOptions options;
  std::string field;
  SUBCASE("chunk") {
    options.chunk_bytes = 100;
    field = "chunk_bytes";
  }
  SUBCASE("window") {
    options.window_bytes = options.chunk_bytes;
    field = "window_bytes";
  }
  SUBCASE("progress") {
    options.max_progress_hz = 0;
    field = "max_progress_hz";
  }
  SUBCASE("rate") {
    options.max_bytes_per_second = 0;
    field = "max_bytes_per_second";
  }
  TransferPair files(test::memory_scheme(), {}, options);
  const auto path = files.from.write("a", "text");
  CHECK(offer_error(files, path).code == ErrorCode::invalid_argument);
  CHECK(offer_error(files, path).message().find(field) != std::string::npos);
}

TEST_CASE("an end whose options make no sense refuses what it is offered") {
  TransferOptions wrong;
  wrong.chunk_bytes = 100;
  TransferPair files(test::memory_scheme(), {}, {}, wrong);
  REQUIRE(files.sender.offer_file(files.pair.caller, files.from.write("a", "text")));
  const auto& told = files.pair.client.log;
  REQUIRE(files.until([&] { return told.count(EventType::transfer_finished) == 1; }));
  CHECK(told.last(EventType::transfer_finished).error.code == ErrorCode::transfer_refused);
}

TEST_CASE("a receiver with more channels than the sender answers on one of those") {
  test::PairOptions options;
  options.client.channels.resize(2);
  TransferPair files(test::memory_scheme(), std::move(options));
  const auto id = files.offer(files.from.write("a", "text"));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.pair.until(
      [&] { return files.pair.client.log.count(EventType::transfer_finished) == 1; }));
  files.wait_finished();
  CHECK(files.received_result() == ErrorCode::none);
  CHECK(files.sent_result() == ErrorCode::none);
}

TEST_CASE("a channel, events or a connection that are missing are said at the offer") {
  TransferOptions options;
  test::PairOptions pair;
  ErrorCode wanted = ErrorCode::no_such_channel;
  SUBCASE("channel here") {
    options.channel = 8;
  }
  SUBCASE("channel there") {
    pair.server.channels.resize(2);
  }
  SUBCASE("events") {
    pair.client.events = EventMask::all().without(EventType::data_received);
    wanted = ErrorCode::not_supported;
  }
  TransferPair files(test::memory_scheme(), std::move(pair), options);
  const auto path = files.from.write("a", "text");
  CHECK(offer_error(files, path).code == wanted);
  CHECK(files.sender.offer_file({}, path).error().code == ErrorCode::not_connected);
  Transfers nowhere;
  CHECK(nowhere.offer_file(files.pair.caller, path).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("an end that could not receive says so at the offer") {
  test::PairOptions pair;
  std::string wanted;
  SUBCASE("messages of bytes are left out") {
    pair.server.events = EventMask::all().without(EventType::data_received);
    wanted = "no messages of bytes";
  }
  SUBCASE("messages are too small") {
    pair.server.limits.max_message_bytes = 1000;
    wanted = "large enough";
  }
  TransferPair files(test::memory_scheme(), std::move(pair));
  const auto id = files.sender.offer_file(files.pair.caller, files.from.write("a", "text"));
  REQUIRE(id);
  REQUIRE(files.pair.until(
      [&] { return files.pair.client.log.count(EventType::transfer_finished) == 1; }));
  const Error why = files.pair.client.log.last(EventType::transfer_finished).error;
  CHECK(why.code == ErrorCode::transfer_refused);
  CHECK(why.message().find(wanted) != std::string::npos);
  CHECK(files.receiver.counters().offers_refused == 1);
}

TEST_CASE("calls with a number that names nothing are refused") {
  TransferPair files;
  CHECK(files.receiver.accept(7, files.to / "a").error().code == ErrorCode::invalid_argument);
  CHECK_FALSE(files.receiver.accept_into_folder(7, files.to.path()));
  CHECK_FALSE(files.receiver.accept_to_memory(7, 1));
  CHECK_FALSE(files.receiver.take_bytes(7));
  CHECK(files.receiver.refuse(7) == ErrorCode::invalid_argument);
  CHECK(files.receiver.cancel(7) == ErrorCode::invalid_argument);
  CHECK_FALSE(files.receiver.info(7));
  files.offer_text("text");
  CHECK(files.sender.accept(files.sent, files.to / "a").error().code ==
        ErrorCode::invalid_argument);
  CHECK(files.sender.refuse(files.sent) == ErrorCode::invalid_argument);
}

TEST_CASE("a host that goes leaves its transfers' parts and nothing else behind") {
  TransferPair files(test::memory_scheme(), {}, test::in_small_steps());
  const auto id = files.offer(files.from.write("a", test::pattern(3'000'000)));
  REQUIRE(files.receiver.accept(id, files.to / "a"));
  REQUIRE(files.until([&] { return files.receiver.info(id)->done_bytes > 100'000; }));
  SUBCASE("the receiver") {
    files.pair.server.host.reset();
    CHECK(files.receiver.all().empty());
  }
  SUBCASE("the sender") {
    files.pair.client.host.reset();
    CHECK(files.sender.all().empty());
    REQUIRE(files.until(
        [&] { return files.pair.server.log.count(EventType::transfer_finished) == 1; }));
  }
  CHECK(files.to.names() == std::vector<std::string>{"a.part", "a.part.state"});
}

}  // namespace
