// SPDX-License-Identifier: MIT
#include <tickwire/workers.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <tickwire/host.hpp>

using namespace tickwire;
using namespace std::chrono_literals;

namespace {

HostConfig quiet() {
  HostConfig config;
  config.tick_rate_hz = std::nullopt;
  config.log.level = LogLevel::off;
  return config;
}

/// Passes of a host until something holds; what it told is kept.
bool until(Host& host, const std::function<bool()>& holds, std::vector<Error>* errors = nullptr) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    const auto event = host.wait_for(1s);
    if (event && event->type == EventType::error && errors != nullptr) {
      errors->push_back(event->error);
    }
  }
  return true;
}

/// Something that work waits for.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

/// Says on which thread it ended.
struct LastWords {
  explicit LastWords(std::thread::id* where) : thread(where) {}
  LastWords(LastWords&& other) noexcept : thread(std::exchange(other.thread, nullptr)) {}
  ~LastWords() {
    if (thread != nullptr) *thread = std::this_thread::get_id();
  }
  std::thread::id* thread;
};

}  // namespace

TEST_CASE("work runs on another thread, and its result comes back to the host's") {
  Host host(quiet());
  Workers workers(host);
  const auto here = std::this_thread::get_id();
  std::thread::id worked_on, completed_on, ended_on;
  int result = 0;
  CHECK(workers.run(
            [&] {
              worked_on = std::this_thread::get_id();
              return 42;
            },
            [&, words = LastWords(&ended_on)](Result<int> outcome) {
              completed_on = std::this_thread::get_id();
              result = outcome.value_or(-1);
            }) == ErrorCode::none);
  REQUIRE(until(host, [&] { return workers.unfinished() == 0; }));
  CHECK(result == 42);
  CHECK(worked_on != here);
  CHECK(completed_on == here);
  CHECK(ended_on == here);
}

TEST_CASE("work may return nothing, something that only moves, or a result of its own") {
  Host host(quiet());
  Workers workers(host);
  bool done = false;
  std::unique_ptr<int> moved;
  ErrorCode refused = ErrorCode::none;
  auto held = std::make_unique<int>(7);
  CHECK(workers.run([] {}, [&](Result<void> outcome) { done = outcome.has_value(); }) ==
        ErrorCode::none);
  CHECK(workers.run([held = std::move(held)]() mutable { return std::move(held); },
                    [&](Result<std::unique_ptr<int>> outcome) { moved = *std::move(outcome); }) ==
        ErrorCode::none);
  CHECK(workers.run(
            []() -> Result<std::string> {
              return Error{ErrorCode::file_unreadable, 0, "no file"};
            },
            [&](Result<std::string> outcome) { refused = outcome.error().code; }) ==
        ErrorCode::none);
  REQUIRE(until(host, [&] { return workers.unfinished() == 0; }));
  CHECK(done);
  REQUIRE(moved);
  CHECK(*moved == 7);
  CHECK(refused == ErrorCode::file_unreadable);
}

TEST_CASE("what work throws is its result, and what a completion throws is the host's error") {
  Host host(quiet());
  Workers workers(host);
  std::vector<Error> outcomes;
  std::vector<Error> errors;
  const auto keep = [&](Result<int> outcome) { outcomes.push_back(outcome.error()); };
  CHECK(workers.run([]() -> int { throw std::runtime_error("the disk is on fire"); }, keep) ==
        ErrorCode::none);
  REQUIRE(until(host, [&] { return workers.unfinished() == 0; }));
  CHECK(workers.run([]() -> int { throw 3; }, keep) == ErrorCode::none);
  CHECK(workers.run([] {}, [](Result<void>) { throw std::logic_error("not so"); }) ==
        ErrorCode::none);
  REQUIRE(until(
      host, [&] { return workers.unfinished() == 0 && !errors.empty(); }, &errors));
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].code == ErrorCode::exception_thrown);
  CHECK(outcomes[0].message().find("the disk is on fire") != std::string::npos);
  CHECK(outcomes[1].code == ErrorCode::exception_thrown);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == ErrorCode::exception_thrown);
  CHECK(errors[0].message().find("not so") != std::string::npos);
}

TEST_CASE("tasks above the limit are refused until others are completed") {
  Host host(quiet());
  Gate gate;
  Workers workers(host, {.threads = 1, .max_tasks = 3});
  int completed = 0;
  const auto work = [&] { gate.pass(); };
  const auto count = [&](Result<void>) { ++completed; };
  for (int i = 0; i < 3; ++i)
    CHECK(workers.run(work, count) == ErrorCode::none);
  CHECK(workers.run(work, count) == ErrorCode::queue_full);
  CHECK(workers.unfinished() == 3);
  gate.open();
  REQUIRE(until(host, [&] { return workers.unfinished() == 0; }));
  CHECK(completed == 3);
  CHECK(workers.run(work, count) == ErrorCode::none);
  REQUIRE(until(host, [&] { return completed == 4; }));
}

TEST_CASE("as many pieces of work run at once as there are threads") {
  Host host(quiet());
  Workers workers(host, {.threads = 3});
  std::atomic<int> there{0};
  int completed = 0;
  // Each waits for the two others.
  const auto meet = [&] {
    ++there;
    while (there < 3)
      std::this_thread::yield();
  };
  for (int i = 0; i < 3; ++i)
    CHECK(workers.run(meet, [&](Result<void>) { ++completed; }) == ErrorCode::none);
  CHECK(until(host, [&] { return completed == 3; }));
}

TEST_CASE("destroyed workers finish what has begun, and call no completion any more") {
  Host host(quiet());
  Gate begun;
  std::atomic<int> worked{0};
  int completed = 0;
  {
    Workers workers(host, {.threads = 1});
    CHECK(workers.run(
              [&] {
                begun.open();
                while (!workers.is_stopping())
                  std::this_thread::yield();
                ++worked;
              },
              [&](Result<void>) { ++completed; }) == ErrorCode::none);
    CHECK(workers.run([&] { ++worked; }, [&](Result<void>) { ++completed; }) == ErrorCode::none);
    begun.pass();
  }
  CHECK(worked == 1);
  CHECK_FALSE(host.poll());
  CHECK_FALSE(host.poll());
  CHECK(completed == 0);
}

TEST_CASE("a host may go before its workers, whose work goes on without completions") {
  auto host = std::make_unique<Host>(quiet());
  Workers workers(*host, {.threads = 1});
  Gate gate;
  std::atomic<bool> worked{false};
  int completed = 0;
  CHECK(workers.run(
            [&] {
              gate.pass();
              worked = true;
            },
            [&](Result<void>) { ++completed; }) == ErrorCode::none);
  host.reset();
  gate.open();
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (workers.unfinished() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(worked);
  CHECK(completed == 0);
  CHECK(workers.unfinished() == 0);
}

TEST_CASE("a completion may destroy its own workers, or give them more to do") {
  Host host(quiet());
  auto workers = std::make_unique<Workers>(host);
  int step = 0;
  CHECK(workers->run([] { return 1; },
                     [&](Result<int>) {
                       step = 1;
                       const ErrorCode again = workers->run([] { return 2; },
                                                            [&](Result<int>) {
                                                              step = 2;
                                                              workers.reset();
                                                            });
                       CHECK(again == ErrorCode::none);
                     }) == ErrorCode::none);
  CHECK(until(host, [&] { return step == 2; }));
  CHECK(workers == nullptr);
}

TEST_CASE("many threads may hand in work at once") {
  Host host(quiet());
  Workers workers(host, {.threads = 2, .max_tasks = 100'000});
  std::atomic<int> worked{0};
  int completed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        if (workers.run([&] { ++worked; }, [&](Result<void>) { ++completed; }) != ErrorCode::none) {
          return;
        }
      }
    });
  }
  CHECK(until(host, [&] { return completed == 900; }));
  for (std::thread& each : threads)
    each.join();
  CHECK(worked == 900);
}
