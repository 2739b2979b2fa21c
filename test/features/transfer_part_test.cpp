// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/features/transfer/part.hpp"
#include "test/features/transfer_pair.hpp"
#include "test/support/why.hpp"

/// Where what is received is written.
using namespace tickwire;
using detail::File;
using detail::IfThere;
using detail::OfferIdentity;
using detail::TransferPart;
using test::ScratchFolder;

namespace {

constexpr int kFiles = 150;

// Receives files of one name, each of which says who received it.
void receive_files(const ScratchFolder& folder, char who, std::vector<std::string>& failures) {
  for (int i = 0; i < kFiles; ++i) {
    const std::string text = who + std::to_string(i);
    const auto bytes = std::as_bytes(std::span(text));
    auto part =
        TransferPart::open(folder / "a", WhenThere::number, {std::string(32, who), text.size()});
    auto done = part ? part->append(bytes) : Result<void>(part.error());
    if (done) done = part->finish(test::checksum_of(bytes));
    if (!done) failures.push_back(done.error().message());
  }
}

TransferPart open_part(const ScratchFolder& folder, char who, std::size_t bytes,
                       WhenThere when_there = WhenThere::refuse) {
  auto part = TransferPart::open(folder / "a", when_there, {std::string(32, who), bytes});
  REQUIRE_MESSAGE(part, test::why(part));
  return std::move(*part);
}

Result<void> finish(TransferPart& part, std::string_view text) {
  return part.finish(test::checksum_of(std::as_bytes(std::span(text))));
}

void append(TransferPart& part, std::string_view text) {
  REQUIRE(part.append(std::as_bytes(std::span(text))));
}

using Names = std::vector<std::string>;

/// Where two wait for each other. (`std::barrier` of gcc 12 loses one of them now and then where
/// the system has no futex, as on Windows.)
class Meeting {
 public:
  void arrive_and_wait() {
    std::unique_lock lock(mutex_);
    const int lap = lap_;
    if (is_one_here_) ++lap_;
    is_one_here_ = !is_one_here_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return lap_ != lap; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_one_here_ = false;
  int lap_ = 0;
};

/// What two of one name come upon at the same moment: one has it, and a state that stays.
struct Contest {
  explicit Contest(const ScratchFolder& in) : folder(in) {}

  void take_part(char who) {
    for (int round = 0; round < 1000; ++round) {
      meet.arrive_and_wait();
      auto part = TransferPart::open(folder / "a", WhenThere::refuse, {std::string(32, who), 2});
      if (part) ++winners;
      meet.arrive_and_wait();
      if (part && !std::filesystem::exists(folder / "a.part.state")) ++states_lost;
      if (part) part->discard();
      meet.arrive_and_wait();
      if (who == 'x' && !std::filesystem::is_empty(folder.path())) ++leavings;
    }
  }

  const ScratchFolder& folder;
  Meeting meet;
  std::atomic<int> winners = 0;
  std::atomic<int> states_lost = 0;
  int leavings = 0;
};

}  // namespace

TEST_CASE("a part that was discarded leaves the next one of its name alone") {
  const ScratchFolder folder;
  TransferPart first = open_part(folder, 'x', 4);
  append(first, "xxxx");
  SUBCASE("when its checksum was wrong") {
    CHECK(finish(first, "text").error().code == ErrorCode::checksum_mismatch);
  }
  SUBCASE("when somebody said so") {
    first.discard();
  }
  TransferPart second = open_part(folder, 'y', 4);
  append(second, "yy");
  first.discard();
  first.keep();
  CHECK(finish(first, "xxxx").error().code == ErrorCode::file_unwritable);
  CHECK_FALSE(TransferPart::open(folder / "a", WhenThere::refuse, {std::string(32, 'z'), 4}));
  append(second, "yy");
  REQUIRE(finish(second, "yyyy"));
  CHECK(test::text_of_file(folder / "a") == "yyyy");
  CHECK(folder.names() == Names{"a"});
}

TEST_CASE("a part that has finished does nothing to its name any more") {
  const ScratchFolder folder;
  TransferPart first = open_part(folder, 'x', 4);
  append(first, "xxxx");
  REQUIRE(finish(first, "xxxx"));
  TransferPart second = open_part(folder, 'y', 4, WhenThere::replace);
  append(second, "yyyy");
  first.discard();
  CHECK(folder.names() == Names{"a", "a.part", "a.part.state"});
  REQUIRE(finish(second, "yyyy"));
  CHECK(test::text_of_file(folder / "a") == "yyyy");
}

TEST_CASE("what was received into memory stays there when its transfer is over") {
  TransferPart part;
  append(part, "text");
  REQUIRE(finish(part, "text"));
  part.discard();
  CHECK(part.take_memory().size() == 4);
}

TEST_CASE("a file that somebody put where the part was is neither moved nor removed") {
  const ScratchFolder folder;
  TransferPart part = open_part(folder, 'x', 4);
  append(part, "xxxx");
  std::filesystem::remove(folder / "a.part");
  SUBCASE("a file") {
    folder.write("a.part", "theirs");
  }
  SUBCASE("a link to what it was") {
    std::filesystem::create_symlink(folder.write("b", "theirs"), folder / "a.part");
  }
  CHECK(finish(part, "xxxx").error().code == ErrorCode::file_unwritable);
  CHECK(test::text_of_file(folder / "a.part") == "theirs");
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
}

TEST_CASE("who has lost its part's name to another leaves that one's state alone") {
  const ScratchFolder folder;
  TransferPart first = open_part(folder, 'x', 4);
  append(first, "xxxx");
  std::filesystem::remove(folder / "a.part");
  TransferPart second = open_part(folder, 'y', 4);
  CHECK_FALSE(finish(first, "xxxx"));
  CHECK(folder.names() == Names{"a.part", "a.part.state"});
  append(second, "yyyy");
  REQUIRE(finish(second, "yyyy"));
  CHECK(test::text_of_file(folder / "a") == "yyyy");
}

TEST_CASE("what an earlier attempt left stays when there is no room for another's file") {
  const ScratchFolder folder;
  {
    TransferPart part = open_part(folder, 'x', 4);
    append(part, "xx");
    part.keep();
  }
  const std::string state = test::text_of_file(folder / "a.part.state");
  const auto when_there = WhenThere::replace;
  const auto part =
      TransferPart::open(folder / "a", when_there, {std::string(32, 'y'), std::uint64_t{1} << 62});
  REQUIRE_FALSE(part);
  CHECK(part.error().code == ErrorCode::disk_full);
  CHECK(test::text_of_file(folder / "a.part") == "xx");
  CHECK(test::text_of_file(folder / "a.part.state") == state);
}

TEST_CASE("a part that was given up before it is whole does not get its name") {
  const ScratchFolder folder;
  TransferPart part = open_part(folder, 'x', 4);
  append(part, "xxxx");
  part.give_up();
  CHECK(finish(part, "xxxx").error().code == ErrorCode::transfer_cancelled);
  CHECK(folder.names().empty());
}

TEST_CASE("who comes second to a name takes nothing away from the first") {
  const ScratchFolder folder;
  Contest contest(folder);
  std::thread other([&] { contest.take_part('y'); });
  contest.take_part('x');
  other.join();
  CHECK(contest.winners == 1000);
  CHECK(contest.states_lost == 0);
  CHECK(contest.leavings == 0);
}

TEST_CASE("an empty part without a state, of a process that died at once, is in nobody's way") {
  const ScratchFolder folder;
  folder.write("a.part", "");
  TransferPart part = open_part(folder, 'x', 4, WhenThere::number);
  CHECK(part.target() == folder / "a");
  append(part, "xxxx");
  REQUIRE(finish(part, "xxxx"));
  CHECK(folder.names() == Names{"a"});
}

TEST_CASE("two that receive files of one name at the same moment never meet in one") {
  const ScratchFolder folder;
  std::vector<std::string> failures[2];
  std::thread other([&] { receive_files(folder, 'x', failures[0]); });
  receive_files(folder, 'y', failures[1]);
  other.join();
  CHECK(failures[0] == std::vector<std::string>());
  CHECK(failures[1] == std::vector<std::string>());
  CHECK(folder.names().size() == 2 * kFiles);
}

TEST_CASE("a file that is renamed while it is opened is not taken for the one of that name") {
  const ScratchFolder folder;
  std::atomic<bool> is_over = false;
  int moved = 0;
  std::thread mover([&] {
    while (moved < 1000) {
      auto file = File::open_to_write(folder / "a");
      if (!file || !file->resize(1)) {  // the other has it
        std::this_thread::yield();
        continue;
      }
      if (move_file(folder / "a", folder / std::to_string(moved), IfThere::keep)) ++moved;
    }
    is_over = true;
  });
  while (!is_over)
    if (auto file = File::open_to_write(folder / "a")) static_cast<void>(file->resize(0));
  mover.join();
  for (int i = 0; i < moved; ++i)
    CHECK(std::filesystem::file_size(folder / std::to_string(i)) == 1);
}
