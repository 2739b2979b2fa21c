// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "lib/features/transfer/part.hpp"
#include "test/features/transfer_pair.hpp"

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

}  // namespace

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
