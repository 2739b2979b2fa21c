// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/transport/memory/memory_core.hpp"
#include "test/support/memory_pair.hpp"

using namespace std::chrono_literals;
using namespace tickwire;
using detail::Lane;
using test::MemoryPair;
using test::RecordingLink;
using Texts = std::vector<std::string>;

namespace {

constexpr std::uint64_t kSeeds[] = {1, 2, 3, 42, 0xfeedfacecafebeef};

bool is_conserved(const NetworkStats& stats) {
  return stats.packets_sent + stats.datagrams_duplicated ==
         stats.packets_delivered + stats.packets_in_flight + stats.packets_abandoned +
             stats.datagrams_lost + stats.datagrams_spoilt + stats.datagrams_queue_full +
             stats.datagrams_cut;
}

}  // namespace

TEST_CASE("memory network: a stall loses nothing, and all that was late comes at its end") {
  MemoryPair pair(1, {.delay = 10ms});
  pair.connect();
  const TimePoint start = pair.clock.now();
  pair.caller->send("arrived", Lane::datagram);
  pair.run(10ms);
  pair.caller->send("under way", Lane::datagram);
  pair.caller->send("under way, reliable");
  pair.network->stall(1s);
  pair.network->stall(1ms);  // does not shorten it
  pair.caller->send("during", Lane::datagram);
  pair.caller->send("during, reliable");
  RecordingLink& late = pair.client.dial("memory://server");
  pair.run(999ms);
  CHECK(pair.callee->texts() == Texts{"arrived"});
  CHECK(late.ups == 0);
  pair.run(1ms);
  CHECK(pair.clock.now() == start + 1010ms);
  CHECK(pair.callee->arrived.size() == 5);
  pair.run(10ms);
  CHECK(late.ups == 1);
  pair.caller->send("after", Lane::datagram);
  pair.run(10ms);
  CHECK(pair.callee->arrived.back().text == "after");
  CHECK(pair.network->stats().packets_abandoned == 0);
  CHECK(is_conserved(pair.network->stats()));
  CHECK_THROWS_WITH_AS(pair.network->stall(-1ms), doctest::Contains("stall"),
                       std::invalid_argument);
}

TEST_CASE("memory network: while everything is dropped, only reliable packets survive, late") {
  MemoryPair pair(1, {.delay = 10ms});
  pair.connect();
  const TimePoint start = pair.clock.now();
  pair.caller->send("due before", Lane::datagram);
  pair.clock.advance(10ms);
  pair.caller->send("under way", Lane::datagram);
  pair.caller->send("under way, reliable");
  pair.network->drop_everything(1s);
  pair.network->drop_everything(1ms);  // does not shorten it
  pair.caller->send("during", Lane::datagram);
  pair.caller->send("during, reliable");
  RecordingLink& late = pair.client.dial("memory://server");
  RecordingLink& nobody = pair.client.dial("memory://nobody");
  pair.run(999ms);
  CHECK(pair.callee->texts() == Texts{"due before"});
  CHECK(pair.server.accepted.size() == 1);
  CHECK(late.ups + nobody.downs == 0);
  pair.run(1ms);
  CHECK(pair.clock.now() == start + 1010ms);
  CHECK(pair.callee->texts() == Texts{"due before", "under way, reliable", "during, reliable"});
  pair.run(10ms);
  CHECK(late.ups == 1);
  CHECK(nobody.downs == 1);
  pair.caller->send("after", Lane::datagram);
  pair.run(10ms);
  CHECK(pair.callee->arrived.back().text == "after");
  CHECK(pair.network->stats().datagrams_cut == 2);
  CHECK(pair.network->stats().packets_abandoned == 0);
  CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == detail::kMemoryWindowBytes);
}

TEST_CASE("memory network: a goodbye waits until the cable is back") {
  MemoryPair pair;
  pair.connect();
  pair.network->drop_everything(1s);
  pair.caller->send("a last word");
  SUBCASE("a close") {
    pair.caller->link->close();
  }
  SUBCASE("a cut") {
    pair.caller->link.reset();
  }
  pair.run(999ms);
  CHECK(pair.callee->downs == 0);
  pair.run(1ms);
  CHECK(pair.callee->downs == 1);
  CHECK(pair.callee->texts() == Texts{"a last word"});
}

TEST_CASE("memory network: cutting all links resets both ends and leaves the listeners") {
  MemoryPair pair(1, {.delay = 10ms});
  pair.connect();
  pair.caller->send("due before");
  pair.clock.advance(10ms);
  pair.caller->send("under way");
  RecordingLink& calling = pair.client.dial("memory://server");
  pair.network->sever_all();
  pair.caller->send("after");
  CHECK(pair.caller->downs + pair.callee->downs == 0);  // told in a service only
  pair.settle();
  for (RecordingLink* end : {pair.caller, pair.callee, &calling}) {
    REQUIRE(end->downs == 1);
    CHECK(end->down->code == ErrorCode::connection_reset);
    CHECK(end->down->message().find("The memory network cut the connection with") == 0);
  }
  CHECK(calling.ups == 0);
  pair.caller->link.reset();
  pair.callee->link->close();
  pair.run(1s);
  CHECK(pair.caller->downs + pair.callee->downs == 2);
  CHECK(pair.callee->texts() == Texts{"due before"});
  CHECK(pair.server.accepted.size() == 1);  // the call that was cut never arrived

  const NetworkStats stats = pair.network->stats();
  CHECK(stats.links_severed == 2);
  CHECK(stats.packets_abandoned == 2);
  CHECK(stats.open_links == 0);
  pair.connect();
  pair.caller->send("again");
  pair.run(1s);
  CHECK(pair.callee->texts() == Texts{"again"});
}

TEST_CASE("memory network: a call that was cut never arrives, whoever serves first") {
  MemoryPair pair;
  RecordingLink& caller = pair.client.dial("memory://server");
  pair.network->sever_all();
  pair.server.service();
  CHECK(pair.server.accepted.empty());
  pair.client.service();
  CHECK(caller.downs == 1);
}

TEST_CASE("memory network: the first word of an end that was cut is that it was cut") {
  MemoryPair pair;
  pair.connect();
  pair.network->sever_all();
  pair.caller->send("too late");
  pair.caller->link->close();
  pair.settle();
  CHECK(pair.callee->arrived.empty());
  REQUIRE(pair.callee->downs == 1);
  CHECK(pair.callee->down->message().find("The memory network cut") == 0);
}

TEST_CASE("memory network: cutting links wakes both hosts, once") {
  MemoryPair pair;
  pair.connect();
  pair.settle();
  const int client = *pair.client.wakes;
  const int server = *pair.server.wakes;
  pair.network->sever_all();
  pair.network->sever_all();
  CHECK(*pair.client.wakes == client + 1);
  CHECK(*pair.server.wakes == server + 1);
  CHECK(pair.network->stats().links_severed == 1);
}

TEST_CASE("memory network: whatever happens, every packet is accounted for") {
  for (const std::uint64_t seed : kSeeds) {
    INFO("seed " << seed);
    detail::SplitMix64 random(seed);
    const auto below = [&](std::uint64_t limit) { return random.next() % limit; };
    MemoryPair pair(seed, {.delay = 30ms,
                           .jitter = 15ms,
                           .loss_ratio = 0.1,
                           .duplicate_ratio = 0.05,
                           .reorder_ratio = 0.05,
                           .bandwidth_bytes_per_second = 20'000,
                           .max_queue_delay = 20ms});
    for (int step = 0; step < 3000; ++step) {
      std::vector<RecordingLink*> ends;
      for (auto* host : {&pair.client, &pair.server}) {
        for (auto* list : {&host->dialled, &host->accepted}) {
          for (auto& end : *list) {
            if (end->link) ends.push_back(end.get());
          }
        }
      }
      const std::uint64_t what = below(100);
      RecordingLink* end = ends.empty() ? nullptr : ends[below(ends.size())];
      if (end == nullptr || what < 5) {
        pair.client.dial(what == 0 ? "memory://nobody" : "memory://server");
      } else if (what < 80) {
        end->send(std::string(below(1200), 'x'), static_cast<Lane>(below(3)),
                  static_cast<std::uint8_t>(below(8)));
      } else if (what < 95) {
        pair.run(Duration(1ms) * static_cast<int>(below(30)));
      } else if (what < 97) {
        end->link->close();
      } else if (what < 99) {
        end->link.reset();
      } else if (below(3) == 0) {
        pair.network->sever_all();
      } else {
        pair.network->drop_everything(Duration(1ms) * static_cast<int>(below(100)));
      }
      REQUIRE(is_conserved(pair.network->stats()));
    }
    for (auto* host : {&pair.client, &pair.server}) {
      for (auto* list : {&host->dialled, &host->accepted}) {
        for (auto& end : *list)
          CHECK(end->ups + end->downs <= 2);
      }
      host->dialled.clear();
      host->accepted.clear();
    }
    pair.run(10s);
    const NetworkStats stats = pair.network->stats();
    CHECK(stats.packets_in_flight == 0);
    CHECK(stats.open_links == 0);
    CHECK(is_conserved(stats));
    CHECK(stats.datagrams_lost > 0);
    CHECK(stats.datagrams_cut > 0);
    CHECK(stats.datagrams_queue_full > 0);
    CHECK(stats.packets_abandoned > 0);
  }
}
