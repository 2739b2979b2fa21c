// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/codec.hpp>
#include <tickwire/transfer.hpp>

#include "lib/features/transfer/core.hpp"
#include "lib/features/transfer/messages.hpp"
#include "test/features/transfer_pair.hpp"

namespace tickwire::test {

inline std::string digest_of(std::string_view text) {
  const auto sum = checksum_of(std::as_bytes(std::span(text)));
  return {reinterpret_cast<const char*>(sum.data()), sum.size()};
}

/// Remembers what the other end noted.
class NoteReader final : public Extension {
 public:
  ~NoteReader() override = default;
  Disposition on_event(Host&, Event& event) override {
    if (!event.is<detail::TransferNote>()) return Disposition::pass;
    auto note = event.as<detail::TransferNote>();
    REQUIRE(note);
    notes.push_back(std::move(*note));
    return Disposition::consume;
  }
  /// The first of its kind, or null.
  [[nodiscard]] const detail::TransferNote* find(detail::TransferStep step) const {
    for (const detail::TransferNote& note : notes)
      if (note.step == step) return &note;
    return nullptr;
  }
  [[nodiscard]] bool has(detail::TransferStep step) const { return find(step) != nullptr; }
  std::vector<detail::TransferNote> notes;
};

/// A `Transfers` whose file thread a test can get at.
class BareTransfers final : public Extension {
 public:
  explicit BareTransfers(const TransferOptions& options = {}) : core(options) {}
  ~BareTransfers() override { detach(); }
  void on_attach(Host& host) override { core.attach(host); }
  void on_detach(Host&) override { core.detach(); }
  Disposition on_event(Host&, Event& event) override { return core.on_event(event); }
  void on_pass(Host&) override { core.on_pass(); }
  [[nodiscard]] TimePoint wake_at() const override { return core.wake_at(); }
  [[nodiscard]] Result<void> accept(TransferId id, const std::filesystem::path& target) {
    const auto task = core.acceptable(id);
    REQUIRE(task);
    return (*task)->accept(target, WhenThere::refuse);
  }

  detail::TransferCore core;
};

/// Keeps the file thread busy until it is opened, or goes.
class Gate {
 public:
  explicit Gate(detail::FileThread& files) {
    auto job = std::make_unique<Job>();
    job->opened = opened_.get_future();
    files.run(std::move(job));
  }
  void open() { opened_.set_value(); }

 private:
  struct Job final : detail::FileJob {
    std::future<void> opened;
    void work() noexcept override { opened.wait(); }
    void answer() noexcept override {}
  };
  std::promise<void> opened_;
};

/// A correct end at the server, and a client that speaks by hand.
template <class Served>
struct LiarTo {
  explicit LiarTo(const TransferOptions& options = {}, PairOptions pair_options = {})
      : pair(memory_scheme(), std::move(pair_options)), transfers(options) {
    pair.server->attach(transfers);
    pair.client->attach(reader);
    pair.connect();
  }

  void say(const detail::TransferNote& note) { REQUIRE(pair.caller.send(note, on_channel(7))); }
  void say(detail::TransferStep step, std::uint64_t id, std::uint64_t bytes = 0,
           std::string digest = {}) {
    detail::TransferNote note;
    note.step = step;
    note.id = id;
    note.bytes = bytes;
    note.window = 65536;
    note.digest = std::move(digest);
    say(note);
  }
  void chunk(std::uint64_t id, std::uint64_t offset, std::string_view text) {
    std::vector<std::byte> bytes(detail::ChunkHeader::bytes + text.size());
    detail::ChunkHeader{id, offset}.write(bytes);
    std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(),
                bytes.begin() + detail::ChunkHeader::bytes);
    REQUIRE(pair.caller.send_bytes(std::move(bytes), on_channel(7)));
  }
  bool until(const std::function<bool()>& holds) {
    return pair.until(holds, std::chrono::milliseconds(1), std::chrono::hours(24));
  }
  /// Offers, is accepted, and begins.
  TransferId begin(std::uint64_t size, std::uint64_t id = 1) {
    say(detail::TransferStep::offer, id, size, std::string(32, 'k'));
    REQUIRE(until([&] { return pair.server.log.count(EventType::transfer_offered) > 0; }));
    const auto told = pair.server.log.last(EventType::transfer_offered).id;
    REQUIRE(transfers.accept(told, folder / "a"));
    REQUIRE(until([&] { return reader.has(detail::TransferStep::accept); }));
    say(detail::TransferStep::begin, id);
    return told;
  }
  /// Waits until the transfer has failed at the server, and looks whether all is as before.
  Error failure() {
    REQUIRE(until([&] { return pair.server.log.count(EventType::transfer_finished) == 1; }));
    CHECK(pair.callee.is_open());
    CHECK(folder.names().empty());
    return pair.server.log.last(EventType::transfer_finished).error;
  }

  ScratchFolder folder;
  HostPair pair;
  NoteReader reader;
  Served transfers;
};
using Liar = LiarTo<Transfers>;

}  // namespace tickwire::test
